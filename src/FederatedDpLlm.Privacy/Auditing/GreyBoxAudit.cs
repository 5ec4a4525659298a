using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Auditing;

/// <summary>
/// Runs a mechanism with the same randomness on an input and on its neighbour. Noise that is added is then the same noise, so the outputs differ by exactly what the data moved: the sensitivity, seen
/// directly. It needs few runs and finds what no count of outputs can: draws that depend on the data, and noise that does not come from the source.
/// </summary>
/// <remarks>"Privacy in Theory, Bugs in Practice", arXiv:2602.17454.</remarks>
public static class GreyBoxAudit
{
    /// <summary>Compares many runs.</summary>
    /// <param name="mechanism">The output of every noise call, in order, for an input.</param>
    /// <param name="input">One input.</param>
    /// <param name="neighbour">Another, different in one unit.</param>
    /// <param name="runs">Streams to try, at least 1.</param>
    public static GreyBoxFinding Compare<TInput>(Func<TInput, ISecureRandom, IReadOnlyList<double[]>> mechanism, TInput input, TInput neighbour, int runs)
    {
        ArgumentNullException.ThrowIfNull(mechanism);
        ArgumentOutOfRangeException.ThrowIfLessThan(runs, 1);
        var finding = new GreyBoxFinding(SameDraws: true, SameShape: true, Repeats: true, UsesSource: false, LargestL1: 0, LargestL2: 0);
        IReadOnlyList<double[]>? before = null;
        for (var run = 0; run < runs; run++)
        {
            using RecordedRandom one = new((ulong)run), other = new((ulong)run), again = new((ulong)run);
            var (first, second, third) = (mechanism(input, one), mechanism(neighbour, other), mechanism(input, again));
            finding = finding with
            {
                SameDraws = finding.SameDraws && one.Calls.SequenceEqual(other.Calls),
                SameShape = finding.SameShape && first.Count == second.Count && first.Zip(second).All(pair => pair.First.Length == pair.Second.Length),
                Repeats = finding.Repeats && Same(first, third),
                UsesSource = finding.UsesSource || (before is not null && !Same(before, first)),
            };
            before = first;
            foreach (var (left, right) in first.Zip(second))
            {
                var differences = left.Zip(right, (x, y) => Math.Abs(x - y)).ToArray();
                finding = finding with
                {
                    LargestL1 = Math.Max(finding.LargestL1, differences.Sum()),
                    LargestL2 = Math.Max(finding.LargestL2, Math.Sqrt(differences.Sum(x => x * x))),
                };
            }
        }

        return finding;
    }

    private static bool Same(IReadOnlyList<double[]> one, IReadOnlyList<double[]> other) => one.Count == other.Count && one.Zip(other).All(pair => pair.First.SequenceEqual(pair.Second));
}
