using System.Text;

namespace FederatedDpLlm.Models.Tokenization;

/// <summary>Learns byte-pair merges from text: the most frequent pair is merged, of equals the one with the smaller tokens, until the vocabulary is full.</summary>
internal static class BytePairTrainer
{
    /// <param name="texts">What to learn from.</param>
    /// <param name="control">Control tokens, numbered from 0; the 256 bytes follow, then the merges.</param>
    /// <param name="vocabulary">Tokens altogether.</param>
    /// <param name="preTokenizer">Merges stay within its pieces.</param>
    public static BytePairVocabulary Train(IEnumerable<string> texts, IReadOnlyList<string> control, int vocabulary, PreTokenizer preTokenizer)
    {
        var words = CountWords(texts, preTokenizer, control.Count);
        var written = control.ToList();
        written.AddRange(Enumerable.Range(0, 256).Select(value => ByteAlphabet.Write((byte)value).ToString()));
        var merges = new List<(string, string)>();
        while (written.Count < vocabulary && MostFrequentPair(words) is { } pair)
        {
            merges.Add((written[pair.Left], written[pair.Right]));
            written.Add(written[pair.Left] + written[pair.Right]);
            words.ForEach(word => word.Merge(pair, written.Count - 1));
        }

        return new BytePairVocabulary
        {
            Tokens = written.Select((text, token) => (text, token)).Skip(control.Count).ToDictionary(pair => pair.text, pair => pair.token, StringComparer.Ordinal),
            Merges = merges,
            Control = control.Select((text, token) => (text, token)).ToDictionary(pair => pair.text, pair => pair.token, StringComparer.Ordinal),
        };
    }

    private static List<Word> CountWords(IEnumerable<string> texts, PreTokenizer preTokenizer, int firstByte)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var piece in texts.SelectMany(preTokenizer.Split))
        {
            counts[piece] = counts.GetValueOrDefault(piece) + 1;
        }

        return [.. counts.OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => new Word([.. Encoding.UTF8.GetBytes(pair.Key).Select(value => firstByte + value)], pair.Value))];
    }

    private static (int Left, int Right)? MostFrequentPair(List<Word> words)
    {
        var counts = new Dictionary<(int Left, int Right), long>();
        foreach (var word in words)
        {
            for (var i = 0; i + 1 < word.Tokens.Count; i++)
            {
                var pair = (word.Tokens[i], word.Tokens[i + 1]);
                counts[pair] = counts.GetValueOrDefault(pair) + word.Count;
            }
        }

        return counts.Count == 0
            ? null
            : counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key.Left).ThenBy(pair => pair.Key.Right).First().Key;
    }

    private sealed record Word(List<int> Tokens, int Count)
    {
        public void Merge((int Left, int Right) pair, int token)
        {
            for (var i = 0; i + 1 < Tokens.Count; i++)
            {
                if (Tokens[i] == pair.Left && Tokens[i + 1] == pair.Right)
                {
                    Tokens[i] = token;
                    Tokens.RemoveAt(i + 1);
                }
            }
        }
    }
}
