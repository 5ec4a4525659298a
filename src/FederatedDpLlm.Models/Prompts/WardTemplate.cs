using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Models.Prompts;

/// <summary>
/// The bundled model's template: <c>&lt;|begin|&gt;&lt;|record|&gt;text ... &lt;|user|&gt;question&lt;|assistant|&gt; answer&lt;|end|&gt;</c>. The answer begins with a
/// space, so that its words are the same tokens as inside a record.
/// </summary>
internal sealed class WardTemplate : PromptTemplate
{
    public const string Begin = "<|begin|>";
    public const string End = "<|end|>";
    public const string Record = "<|record|>";
    public const string System = "<|system|>";
    public const string User = "<|user|>";
    public const string Assistant = "<|assistant|>";

    /// <summary>The control tokens in the order of their numbers.</summary>
    public static IReadOnlyList<string> ControlTokens { get; } = [Begin, End, Record, System, User, Assistant];

    private readonly Dictionary<string, int> _control;

    private WardTemplate(ITokenizer tokenizer)
        : base(tokenizer) => _control = ControlTokens.ToDictionary(name => name, name => tokenizer.ControlToken(name)!.Value, StringComparer.Ordinal);

    public override bool AnswersBeginWithSpace => true;

    public override IReadOnlyList<int> EndTokens => [_control[End]];

    public static WardTemplate? TryCreate(ITokenizer tokenizer) =>
        ControlTokens.All(name => tokenizer.ControlToken(name) is not null) ? new WardTemplate(tokenizer) : null;

    private protected override IReadOnlyList<int> EncodeRecord(string record) => Tokenizer.Encode(record);

    private protected override IReadOnlyList<int> Assemble(IReadOnlyList<PromptTurn> turns, IReadOnlyList<IReadOnlyList<int>> records)
    {
        var tokens = new List<int> { _control[Begin] };
        foreach (var record in records)
        {
            tokens.Add(_control[Record]);
            tokens.AddRange(record);
        }

        foreach (var turn in turns)
        {
            tokens.Add(_control[turn.Role switch { "system" => System, "assistant" => Assistant, _ => User }]);
            tokens.AddRange(turn.Role == "assistant" ? EncodeAnswer(turn.Content) : Tokenizer.Encode(turn.Content));
        }

        tokens.Add(_control[Assistant]);
        return tokens;
    }
}
