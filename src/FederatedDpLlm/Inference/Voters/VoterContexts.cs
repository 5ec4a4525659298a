using FederatedDpLlm.Inference.Engines;

namespace FederatedDpLlm.Inference.Voters;

/// <summary>What the engine reads for a question: the public context first, then one per shard with its best-matching records. An empty shard reads the public one.</summary>
internal sealed class VoterContexts(ShardedRecords records, int recordsPerVoter)
{
    /// <summary>[0] is public, [1 + i] is shard i's, of the plan's blocks.</summary>
    public List<ChatContext> For(AnswerPlan plan)
    {
        var messages = plan.Question.Messages;
        var query = QueryOf(messages);
        var contexts = new List<ChatContext> { new(messages, []) };
        contexts.AddRange(records.Shards(plan.Blocks).Select(shard => new ChatContext(messages, Read(shard, query))));
        return contexts;
    }

    /// <summary>The terms to retrieve by: of the last user message.</summary>
    public static List<string> QueryOf(IReadOnlyList<ChatMessage> messages) => WordTerms.Of(messages[^1].Content);

    // The best record stands last, nearest to the question.
    private List<string> Read(ShardIndex shard, List<string> query) =>
        [.. shard.Best(query, recordsPerVoter).Reverse().Select(best => RecordExcerpt.Of(shard.Records[best.Record].Text, query))];
}
