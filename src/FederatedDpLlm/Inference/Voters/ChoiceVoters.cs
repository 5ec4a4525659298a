using FederatedDpLlm.Inference.Engines;

namespace FederatedDpLlm.Inference.Voters;

/// <summary>One vote per shard for a choice: how well each option follows the question, read with that shard's records.</summary>
internal sealed class ChoiceVoters(IInferenceEngine engine, ShardedRecords records, VoterContexts contexts)
{
    /// <summary>Votes per option; they add up to the number of shards.</summary>
    public async Task<VoteCounts> CountAsync(AnswerPlan plan, CancellationToken cancellationToken)
    {
        var question = plan.Question;
        var scores = await engine.ScoreAsync(contexts.For(plan), question.Choices, cancellationToken).ConfigureAwait(false);
        var evidence = new OptionEvidence(question.Choices, VoterContexts.QueryOf(question.Messages));
        var counts = new long[question.Choices.Count];
        foreach (var (voter, shard) in records.Shards(plan.Blocks).Index())
        {
            counts[VoterOpinion.Vote(scores[voter + 1], scores[0], evidence.Weigh(shard))]++;
        }

        return new VoteCounts(counts, records.Count) { OptionTokens = [.. scores[0].Select(score => score.Tokens)] };
    }
}
