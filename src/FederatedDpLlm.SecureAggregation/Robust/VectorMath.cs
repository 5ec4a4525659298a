namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>Arithmetic on vectors of floats, accumulated in doubles.</summary>
internal static class VectorMath
{
    public static bool IsFinite(ReadOnlySpan<float> vector)
    {
        foreach (var value in vector)
        {
            if (!float.IsFinite(value))
            {
                return false;
            }
        }

        return true;
    }

    public static double SquaredDistance(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        var sum = 0.0;
        for (var i = 0; i < left.Length; i++)
        {
            var difference = (double)left[i] - right[i];
            sum += difference * difference;
        }

        return sum;
    }

    public static float[] Mean(IReadOnlyList<ReadOnlyMemory<float>> vectors)
    {
        var sum = new double[vectors[0].Length];
        foreach (var vector in vectors)
        {
            var span = vector.Span;
            for (var i = 0; i < sum.Length; i++)
            {
                sum[i] += span[i];
            }
        }

        return Array.ConvertAll(sum, value => (float)(value / vectors.Count));
    }

    /// <summary>Applies a rule to every coordinate's values, which it may sort.</summary>
    public static float[] PerCoordinate(IReadOnlyList<ReadOnlyMemory<float>> vectors, Func<float[], double> rule)
    {
        var result = new float[vectors[0].Length];
        var column = new float[vectors.Count];
        for (var i = 0; i < result.Length; i++)
        {
            for (var j = 0; j < column.Length; j++)
            {
                column[j] = vectors[j].Span[i];
            }

            result[i] = (float)rule(column);
        }

        return result;
    }

    /// <summary>The middle of sorted values (the mean of the two where there are two).</summary>
    public static double MiddleOfSorted(ReadOnlySpan<float> sorted) => (sorted[(sorted.Length - 1) / 2] + (double)sorted[sorted.Length / 2]) / 2;

    public static double RequirePositive(double value, string name) =>
        value > 0 && double.IsFinite(value) ? value : throw new ArgumentOutOfRangeException(name, value, "A finite number above 0 is needed.");
}
