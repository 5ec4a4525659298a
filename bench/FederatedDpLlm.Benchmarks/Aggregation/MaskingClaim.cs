using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>A mask's keystream made and added in one pass, beside what OpenSSL needs to make the keystream alone.</summary>
internal sealed class MaskingClaim : IClaim
{
    private const int Rounds = 5;

    public string Name => "masking";

    public string Description => "Bytes of mask per second, keystream and addition, one thread, beside openssl speed of the keystream.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var (setting, lanes) in new[] { ("4096 lanes, 16 KiB", 4096), ("1000000 lanes", 1_000_000) })
        {
            var vector = new uint[lanes];
            using var masks = new MaskSet();
            masks.Add(new byte[CounterKeystream.KeySizeBytes], subtract: false);
            var repeats = 40_000_000 / lanes;
            var (ours, peer) = (0.0, (double?)null);
            for (var round = 0; round < Rounds; round++)
            {
                var seconds = Best.OfThread(3, () =>
                {
                    for (var i = 0; i < repeats; i++)
                    {
                        masks.ApplyTo(vector, workers: 1);
                    }
                });
                ours = Math.Max(ours, 4.0 * lanes * repeats / seconds);
                if (await OpenSslSpeed.MeasureAsync("aes-128-ctr", 16384, cancellationToken) is { } openssl)
                {
                    peer = Math.Max(peer ?? 0, openssl);
                }
            }

            yield return new Measurement(setting + ", 1 thread", ours, "bytes/s", "openssl speed -evp aes-128-ctr", peer);
        }
    }
}
