using System.Runtime.CompilerServices;
using FederatedDpLlm.SecureAggregation.Homomorphic;

namespace FederatedDpLlm.Benchmarks.Homomorphic;

/// <summary>The number-theoretic transform of 8,192 residues modulo a prime of 50 bits, on one thread, at every register width.</summary>
internal sealed class TransformClaim : IClaim
{
    public string Name => "ntt";

    public string Description => "Number-theoretic transform, N = 8192, one 50-bit prime, at every register width; beside SEAL's in node-seal (54-bit primes).";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var element = new RingElement();
        for (var i = 0; i < Ring.Degree; i++)
        {
            element[0][i] = i * 40503.0;
        }

        var peer = await NodeSeal.MeasureAsync(cancellationToken);
        foreach (var (width, name) in new[] { (LaneWidth.Eight, "AVX-512"), (LaneWidth.Four, "AVX2"), (LaneWidth.One, "scalar") })
        {
            if (RingArithmetic.Supported(width) is { } arithmetic)
            {
                // The output is a valid input again.
                yield return new Measurement($"{name} forward", Fastest.Microseconds(() => arithmetic.Transform(element[0], Ring.Moduli[0])), "us", "node-seal 7.0.0", peer.TransformMicroseconds, LowerIsBetter: true);
                yield return new Measurement($"{name} inverse", Fastest.Microseconds(() => arithmetic.InverseTransform(element[0], Ring.Moduli[0])), "us");
            }
        }
    }
}
