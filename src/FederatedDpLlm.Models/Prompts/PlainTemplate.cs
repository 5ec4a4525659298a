using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Models.Prompts;

/// <summary>For models without chat tokens: records and messages as paragraphs, the answer after the last one.</summary>
internal sealed class PlainTemplate(ITokenizer tokenizer) : PromptTemplate(tokenizer)
{
    public override IReadOnlyList<int> EndTokens => Tokenizer.EndTokens;

    private protected override IReadOnlyList<int> EncodeRecord(string record) => Tokenizer.Encode(record + "\n\n");

    private protected override IReadOnlyList<int> Assemble(IReadOnlyList<PromptTurn> turns, IReadOnlyList<IReadOnlyList<int>> records) =>
    [
        .. Tokenizer.BeginToken is { } begin ? [begin] : Array.Empty<int>(),
        .. records.SelectMany(record => record),
        .. Tokenizer.Encode(string.Join("\n\n", turns.Select(turn => turn.Content))),
    ];
}
