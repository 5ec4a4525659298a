using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>How many layers of one token this machine computes a second: measured, since neither clock rates nor core counts say it.</summary>
internal static class ShardSpeed
{
    private const int Tokens = 64;

    public static double LayersPerSecond(string model, int threads, TimeProvider clock)
    {
        using var sample = ShardEngine.LoadSample(model, threads);
        sample.WarmUp();
        var session = Guid.NewGuid();
        var tokens = Math.Min(Tokens, sample.Shape.Context);
        var stream = new float[sample.Shape.Width];
        var started = clock.GetTimestamp();
        for (var position = 0; position < tokens; position++)
        {
            sample.Compute(new ShardWork(ShardStepKind.Layers, 0, 1, [new ShardRows(session, position, 1)], stream));
        }

        return tokens / Math.Max(clock.GetElapsedTime(started).TotalSeconds, 1e-9);
    }
}
