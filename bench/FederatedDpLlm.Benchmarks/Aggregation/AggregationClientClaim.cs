using System.Diagnostics;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>All that one hospital computes in a round of 100 with a million parameters: keys, shares, masks, signatures, unmasking.</summary>
internal sealed class AggregationClientClaim : IClaim
{
    public string Name => "aggregation-client";

    public string Description => "One client's whole round, n=100, k=32, 10^6 parameters, mask mode, one thread; no peer does all of it.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        using var round = new MeasuredRound(clients: 100, length: 1_000_000, dropped: 10);
        round.Run(workers: 1, cancellationToken);
        var best = round.ClientSeconds.Select(stages => stages.ToArray()).Where(stages => stages.All(stage => stage > 0)).ToList();
        string[] names = ["advertise", "share keys", "upload", "confirm", "unmask"];
        for (var stage = 0; stage < names.Length; stage++)
        {
            yield return new Measurement(names[stage], 1000 * best.Min(stages => stages[stage]), "ms", LowerIsBetter: true);
        }

        yield return new Measurement("whole client", 1000 * best.Min(stages => stages.Sum()), "ms", LowerIsBetter: true);
    }
}
