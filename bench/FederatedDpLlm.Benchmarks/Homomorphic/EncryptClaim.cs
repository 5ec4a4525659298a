using System.Runtime.CompilerServices;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.Benchmarks.Homomorphic;

/// <summary>
/// Encrypting 16-bit values so that the sums of 1,024 clients fit, one thread: time and bytes a value, beside SEAL's BFV (symmetric, 8,192 values a ciphertext) and
/// its CKKS as NVFlare configures it (4,096 values). Not like for like: ours only adds, theirs could multiply too; a federated sum needs no more.
/// </summary>
internal sealed class EncryptClaim : IClaim
{
    private const int Parameters = 1_000_000;

    public string Name => "homomorphic-encrypt";

    public string Description => "Additive lattice encryption, time and bytes a value, beside BFV and CKKS of node-seal.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var layout = new SlotLayout(valueBits: 16, clients: 1024);
        var values = new int[layout.ValuesPerElement];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (int)(i * 40503L % 65536) - 32768;
        }

        var ciphertext = new byte[KeyAdditiveEncryption.SizeBytes(layout, values.Length)];
        using var encryption = new KeyAdditiveEncryption(layout, new byte[16], new byte[32]);
        var before = Encrypt();
        var peer = await NodeSeal.MeasureAsync(cancellationToken);
        var ours = Math.Min(before, Encrypt());
        yield return new Measurement("encode and encrypt, BFV symmetric", ours, "ns/value", "node-seal 7.0.0", peer.BfvNanosecondsPerValue, LowerIsBetter: true);
        yield return new Measurement("encode and encrypt, CKKS 60+40+40", ours, "ns/value", "node-seal 7.0.0", peer.CkksNanosecondsPerValue, LowerIsBetter: true);

        // A whole upload of 10^6 values, its masked key and the last element's empty slots included.
        var bytes = (double)(KeyAdditiveEncryption.SizeBytes(layout, Parameters) + (KeyAdditiveEncryption.KeyLength * 3)) / Parameters;
        yield return new Measurement($"upload of {Parameters} values, {AggregationMode.Homomorphic}", bytes, "bytes/value", "CKKS 60+40+40, node-seal 7.0.0", peer.CkksBytesPerValue, LowerIsBetter: true);

        double Encrypt() => Fastest.Microseconds(() => encryption.Encrypt(values, ciphertext, workers: 1)) * 1000 / values.Length;
    }
}
