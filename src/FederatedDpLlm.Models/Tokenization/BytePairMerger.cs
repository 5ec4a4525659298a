namespace FederatedDpLlm.Models.Tokenization;

/// <summary>
/// Byte-pair encoding of one piece (Sennrich et al. 2016, arXiv 1508.07909): the pair of best rank is merged, the leftmost first, until none is left.
/// A queue makes it n log n, so that a long piece without spaces is no way to stall a server.
/// </summary>
internal static class BytePairMerger
{
    /// <summary>Merges in place of a new list.</summary>
    /// <param name="symbols">The tokens of the single bytes or characters.</param>
    /// <param name="merge">What a neighbouring pair becomes and at which rank (smaller first); null where it does not merge.</param>
    public static IReadOnlyList<int> Merge(IReadOnlyList<int> symbols, Func<int, int, (double Rank, int Token)?> merge)
    {
        if (symbols.Count < 2)
        {
            return symbols;
        }

        var chain = new Chain(symbols);
        var queue = new PriorityQueue<(int Left, int Right, int Token, int LeftToken, int RightToken), (double Rank, int Left)>();
        void Consider(int left)
        {
            var right = left < 0 ? -1 : chain.Next[left];
            if (right >= 0 && merge(chain.Tokens[left], chain.Tokens[right]) is { } found)
            {
                queue.Enqueue((left, right, found.Token, chain.Tokens[left], chain.Tokens[right]), (found.Rank, left));
            }
        }

        for (var i = 0; i + 1 < symbols.Count; i++)
        {
            Consider(i);
        }

        while (queue.TryDequeue(out var pair, out _))
        {
            // Stale where one of the two was merged since.
            if (chain.Tokens[pair.Left] == pair.LeftToken && chain.Next[pair.Left] == pair.Right && chain.Tokens[pair.Right] == pair.RightToken)
            {
                chain.Join(pair.Left, pair.Right, pair.Token);
                Consider(chain.Previous[pair.Left]);
                Consider(pair.Left);
            }
        }

        return chain.Remaining();
    }

    private sealed class Chain
    {
        public Chain(IReadOnlyList<int> symbols)
        {
            Tokens = [.. symbols];
            Next = [.. Enumerable.Range(1, symbols.Count)];
            Next[^1] = -1;
            Previous = [.. Enumerable.Range(-1, symbols.Count)];
        }

        public int[] Tokens { get; }

        public int[] Next { get; }

        public int[] Previous { get; }

        public void Join(int left, int right, int token)
        {
            Tokens[left] = token;
            Tokens[right] = -1;
            Next[left] = Next[right];
            if (Next[left] >= 0)
            {
                Previous[Next[left]] = left;
            }
        }

        public List<int> Remaining()
        {
            var tokens = new List<int>();
            for (var i = 0; i >= 0; i = Next[i])
            {
                tokens.Add(Tokens[i]);
            }

            return tokens;
        }
    }
}
