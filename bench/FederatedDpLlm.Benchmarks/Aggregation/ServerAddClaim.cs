using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>The coordinator's addition of an upload to the running sum: bytes read and written per second, beside the speed of reading memory.</summary>
internal sealed class ServerAddClaim : IClaim
{
    private const int Lanes = 32 << 20;
    private const int Rounds = 7;

    public string Name => "server-add";

    public string Description => "Memory traffic of adding uploads to the sum (payload and sum read, sum written), one thread, beside reading memory.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        var memory = new MemoryRead();
        var sum = new uint[Lanes];
        foreach (var sizeBytes in new[] { 2, 3, 4 })
        {
            var format = new LaneFormat(sizeBytes);
            var payload = new byte[Lanes * sizeBytes];
            payload.AsSpan().Fill(1);
            var (ours, peer) = (0.0, 0.0);
            for (var round = 0; round < Rounds; round++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                ours = Math.Max(ours, (payload.Length + (8.0 * Lanes)) / Best.OfThread(1, () => format.AddTo(sum, payload)));
                peer = Math.Max(peer, memory.Bytes / Best.OfThread(1, () => memory.Read()));
            }

            yield return new Measurement($"{sizeBytes}-byte lanes, {Lanes} values, 1 thread", ours, "bytes/s", "reading memory", peer);
        }
    }
}
