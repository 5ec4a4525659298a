namespace FederatedDpLlm.Models.Weights;

/// <summary>
/// The two layouts of rotary pairs in files: Meta's (llama2.c, GGUF's llama) pairs adjacent rows of the query and key projections, Hugging Face's pairs row i
/// with row i + half. The engine computes in the second.
/// </summary>
internal static class RotaryLayout
{
    /// <summary>Reorders the rows of each head from adjacent pairs to half-split ones; for a bias, columns is 1.</summary>
    public static void ToHalfSplit(Span<float> weights, int headSize, int columns)
    {
        var head = new float[headSize * columns];
        for (; weights.Length > 0; weights = weights[head.Length..])
        {
            weights[..head.Length].CopyTo(head);
            for (var i = 0; i < headSize; i++)
            {
                // Adjacent row 2j goes to j, row 2j+1 to j + half.
                var target = i / 2 + (i % 2) * (headSize / 2);
                head.AsSpan(i * columns, columns).CopyTo(weights[(target * columns)..]);
            }
        }
    }

    /// <summary>The inverse of <see cref="ToHalfSplit"/>.</summary>
    public static void ToAdjacent(Span<float> weights, int headSize, int columns)
    {
        var head = new float[headSize * columns];
        for (; weights.Length > 0; weights = weights[head.Length..])
        {
            weights[..head.Length].CopyTo(head);
            for (var i = 0; i < headSize; i++)
            {
                var source = i / 2 + (i % 2) * (headSize / 2);
                head.AsSpan(source * columns, columns).CopyTo(weights[(i * columns)..]);
            }
        }
    }

    /// <summary>Where a row of the half-split layout lies among adjacent pairs.</summary>
    public static int AdjacentRow(int row, int headSize)
    {
        var (head, i) = Math.DivRem(row, headSize);
        var half = headSize / 2;
        return head * headSize + (i < half ? 2 * i : 2 * (i - half) + 1);
    }
}
