using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>
/// Dropout patterns, each judged by itself, with one round run for all that differ only in who would have gone away after the round had ended. That the round
/// does end there is checked while it runs: everybody who has not dropped out by then stays, and no message of a later stage is accepted.
/// </summary>
internal sealed class SharedRounds(Federation federation)
{
    private readonly Dictionary<string, Outcome<AggregateSum>> _outcomes = [];

    /// <summary>How many rounds were run.</summary>
    public int Count => _outcomes.Count;

    public void AssertOutcome(DropoutStage[] pattern)
    {
        var (seen, last) = UntilItsEnd(pattern);
        var key = string.Join(' ', seen);
        if (!_outcomes.TryGetValue(key, out var outcome))
        {
            outcome = federation.Round(client => seen[client], observe: progress => Assert.True(progress.Stage <= last, $"{key}: a message of {progress.Stage} was accepted.")).Run(CancellationToken.None);
            _outcomes.Add(key, outcome);
        }

        federation.AssertOutcome(pattern, outcome);
    }

    // The stages' order is the same for clients that go away and for the coordinator.
    private (DropoutStage[] Seen, CoordinatorStage Last) UntilItsEnd(DropoutStage[] pattern)
    {
        for (var stage = DropoutStage.BeforeAdvertising; stage < DropoutStage.BeforeUnmasking; stage++)
        {
            var needed = stage == DropoutStage.BeforeUpload ? Math.Max(federation.Parameters.MinimumSurvivors, federation.Parameters.Sharing.Threshold) : federation.Parameters.Sharing.Threshold;
            if (pattern.Count(one => one == DropoutStage.Never || one > stage) < needed)
            {
                return ([.. pattern.Select(one => one > stage ? DropoutStage.Never : one)], CoordinatorStage.Advertisements + (stage - DropoutStage.BeforeAdvertising));
            }
        }

        return (pattern, CoordinatorStage.Unmaskings);
    }
}
