using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>The coordinator's last step: secrets restored from shares, and 410 mask streams taken off the sum.</summary>
internal sealed class UnmaskClaim : IClaim
{
    public string Name => "unmask";

    public string Description => "Unmasking, n=100, 10 % dropped, 10^6 parameters, all cores, beside openssl making the same keystreams.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int Streams = 90 + (10 * 32);
        var (ours, peer) = (double.PositiveInfinity, (double?)null);
        for (var run = 0; run < 3; run++)
        {
            using var round = new MeasuredRound(clients: 100, length: 1_000_000, dropped: 10);
            round.Run(Environment.ProcessorCount, cancellationToken);
            ours = Math.Min(ours, round.UnmaskSeconds);
            if (await OpenSslSpeed.MeasureAsync("aes-128-ctr", 16384, cancellationToken) is { } speed)
            {
                peer = Math.Min(peer ?? double.PositiveInfinity, Streams * 4e6 / speed / Environment.ProcessorCount);
            }
        }

        yield return new Measurement($"{Environment.ProcessorCount} cores", 1000 * ours, "ms", "openssl keystreams alone", 1000 * peer, LowerIsBetter: true);
    }
}
