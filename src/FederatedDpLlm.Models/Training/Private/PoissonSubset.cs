using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>Every item takes part with the same chance, by a coin of its own: what accountants call Poisson sampling, and not a shuffled or fixed-size batch.</summary>
internal static class PoissonSubset
{
    /// <summary>The items that take part in a step, in their order. The chance is rounded down to a multiple of 2^-63.</summary>
    public static List<int> Draw(int items, double samplingRate, ISecureRandom random)
    {
        var threshold = samplingRate >= 1 ? 1UL << 63 : (ulong)Math.ScaleB(samplingRate, 63);
        var words = new ulong[items];
        random.Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(words.AsSpan()));
        var drawn = new List<int>();
        for (var item = 0; item < items; item++)
        {
            if (words[item] >> 1 < threshold)
            {
                drawn.Add(item);
            }
        }

        return drawn;
    }
}
