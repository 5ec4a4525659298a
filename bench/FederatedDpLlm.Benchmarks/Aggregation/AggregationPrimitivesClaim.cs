using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.SecretSharing;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>The constants of the cost model of secure aggregation.</summary>
internal sealed class AggregationPrimitivesClaim : IClaim
{
    private const int Calls = 200;

    public string Name => "aggregation-primitives";

    public string Description => "Microseconds of the public-key operations that a round is made of, one thread: the constants of the cost model.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        using var random = new SecureRandom();
        using var pair = new HybridKeyPair(new byte[32]);
        using var identity = new HospitalIdentity(new byte[32]);
        var (ciphertext, shared, coins) = (new byte[HybridKeyPair.CiphertextSizeBytes], new byte[32], new byte[64]);
        HybridKeyPair.TryEncapsulate(pair.PublicKey, coins, ciphertext, shared);
        var (message, scalar) = (new byte[2500], Scalar.Random(random));
        var signature = identity.Sign(message);
        var element = scalar * GroupElement.SecondGenerator;
        var encoded = new byte[32];
        element.CopyTo(encoded);
        var payload = new byte[1 << 20];
        (string, Action)[] operations =
        [
            ("signature", () => identity.Sign(message)),
            ("verification of a signature", () => HospitalIdentity.Verify(identity.PublicKey.Span, message, signature)),
            ("hybrid key pair", () => new HybridKeyPair(coins.AsSpan(0, 32)).Dispose()),
            ("hybrid encapsulation", () => HybridKeyPair.TryEncapsulate(pair.PublicKey, coins, ciphertext, shared)),
            ("hybrid decapsulation", () => pair.TryDecapsulate(ciphertext, shared)),
            ("commitment", () => ShareCommitments.Commit(scalar, scalar)),
            ("multiplication of the generator", () => GroupElement.MultiplyBase(scalar)),
            ("multiplication of an element", () => _ = scalar * element),
            ("addition of elements", () => _ = element + element),
            ("decoding of an element", () => GroupElement.TryRead(encoded, out _)),
            ("SHA-256 of 1 MiB", () => SHA256.HashData(payload)),
        ];
        foreach (var (name, operation) in operations)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new Measurement(name, 1e6 / Calls * Best.OfThread(5, () =>
            {
                for (var i = 0; i < Calls; i++)
                {
                    operation();
                }
            }), "us", LowerIsBetter: true);
        }
    }
}
