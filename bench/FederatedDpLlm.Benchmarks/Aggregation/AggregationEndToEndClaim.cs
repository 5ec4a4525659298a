using System.Diagnostics;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>A whole round of 16 hospitals with 10^8 parameters in one process, beside the sum of its limits on this machine.</summary>
internal sealed class AggregationEndToEndClaim : IClaim
{
    private const int Clients = 16;
    private const int Length = 100_000_000;
    private const double MaskBytes = 4.0 * Length;
    private const double PayloadBytes = 3.0 * Length;

    public string Name => "aggregation-end-to-end";

    public string Description => "A round of 16 clients, 10^8 parameters, mask mode, all cores, beside the sum of its limits (keystream, hash, memory).";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var cores = Environment.ProcessorCount;
        var cipher = await OpenSslSpeed.MeasureAsync("aes-128-ctr", 16384, cancellationToken);
        var hash = await OpenSslSpeed.MeasureAsync("sha256", 65536, cancellationToken);
        var memory = new MemoryRead();
        var read = memory.Bytes / Best.OfThread(5, () => memory.Read());
        using var round = new MeasuredRound(Clients, Length, dropped: 0);
        round.Run(cores, cancellationToken);

        // Every client makes its own stream and one per neighbour; the coordinator makes the self-masks again. Payloads are hashed on both sides, and the sum
        // is read and written once per upload.
        var streams = (Clients * (double)Clients) + Clients;
        double? limit = cipher is null || hash is null
            ? null
            : ((streams * MaskBytes / cipher) + (2 * Clients * PayloadBytes / hash)) / cores + (Clients * (PayloadBytes + (2 * MaskBytes)) / read);
        yield return new Measurement($"{Clients} clients, {Length} parameters, {cores} cores", round.TotalSeconds, "s", "the sum of the limits", limit, LowerIsBetter: true);
        using var process = Process.GetCurrentProcess();
        yield return new Measurement("peak memory", process.PeakWorkingSet64 / 1e6, "MB", LowerIsBetter: true);
    }
}
