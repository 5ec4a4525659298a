using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Models.Prompts;

/// <summary>How a chat, and the records that are put before it, become tokens. Control tokens are set by number, so that no text can forge a turn.</summary>
public abstract class PromptTemplate
{
    private const double HeadShare = 2.0 / 3;

    private protected PromptTemplate(ITokenizer tokenizer) => Tokenizer = tokenizer;

    /// <summary>Whether answers begin with a space that belongs to the template and not to the answer.</summary>
    public virtual bool AnswersBeginWithSpace => false;

    /// <summary>The tokens that end an answer.</summary>
    public abstract IReadOnlyList<int> EndTokens { get; }

    private protected ITokenizer Tokenizer { get; }

    /// <summary>The template that a tokenizer's control tokens show: this project's own, ChatML, Llama 3's, or plain text.</summary>
    public static PromptTemplate For(ITokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        return WardTemplate.TryCreate(tokenizer) ?? (PromptTemplate?)ChatTemplate.TryCreate(tokenizer) ?? new PlainTemplate(tokenizer);
    }

    /// <summary>The tokens of the records and the chat, up to where the answer begins.</summary>
    /// <param name="turns">The chat, oldest first.</param>
    /// <param name="records">What the answer may draw on; cut to fit.</param>
    /// <param name="budget">Most tokens altogether. The chat is never cut; records share what it leaves, each losing its middle.</param>
    public IReadOnlyList<int> Encode(IReadOnlyList<PromptTurn> turns, IReadOnlyList<string> records, int budget)
    {
        ArgumentNullException.ThrowIfNull(records);
        var encoded = records.Select(EncodeRecord).ToList();
        var bare = Assemble(turns, [.. encoded.Select(_ => (IReadOnlyList<int>)[])]).Count;
        return Assemble(turns, Fit(encoded, budget - bare));
    }

    /// <summary>The tokens of an answer and of its end, as the continuation of <see cref="Encode"/>.</summary>
    public IReadOnlyList<int> EncodeAnswer(string answer) =>
        [.. Tokenizer.Encode(AnswersBeginWithSpace ? " " + answer : answer), .. EndTokens.Take(1)];

    /// <summary>A decoder for the answer's tokens.</summary>
    public StreamingTextDecoder AnswerDecoder() => new(Tokenizer, AnswersBeginWithSpace);

    private protected abstract IReadOnlyList<int> EncodeRecord(string record);

    private protected abstract IReadOnlyList<int> Assemble(IReadOnlyList<PromptTurn> turns, IReadOnlyList<IReadOnlyList<int>> records);

    // Short records are kept whole; the long ones share the rest evenly.
    private static List<IReadOnlyList<int>> Fit(List<IReadOnlyList<int>> records, int budget)
    {
        var left = Math.Max(0, budget);
        var fitted = new IReadOnlyList<int>[records.Count];
        var order = Enumerable.Range(0, records.Count).OrderBy(index => records[index].Count).ToList();
        for (var i = 0; i < order.Count; i++)
        {
            var share = left / (order.Count - i);
            fitted[order[i]] = CutMiddle(records[order[i]], share);
            left -= fitted[order[i]].Count;
        }

        return [.. fitted];
    }

    // A note's beginning says whose it is, its end often what came of it.
    private static IReadOnlyList<int> CutMiddle(IReadOnlyList<int> tokens, int length)
    {
        if (tokens.Count <= length)
        {
            return tokens;
        }

        var head = (int)(length * HeadShare);
        return [.. tokens.Take(head), .. tokens.Skip(tokens.Count - (length - head))];
    }
}
