using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Models.Prompts;

/// <summary>
/// The two chat formats of the Llama family's instruction-tuned checkpoints: ChatML (Qwen, SmolLM2) and Llama 3's headers. Records become part of the system
/// message.
/// </summary>
internal sealed class ChatTemplate : PromptTemplate
{
    private readonly IReadOnlyList<int> _begin;
    private readonly int _open;
    private readonly IReadOnlyList<int> _afterRole;
    private readonly int _close;
    private readonly IReadOnlyList<int> _afterClose;

    private ChatTemplate(ITokenizer tokenizer, int? begin, int open, IReadOnlyList<int> afterRole, int close, IReadOnlyList<int> afterClose)
        : base(tokenizer) =>
        (_begin, _open, _afterRole, _close, _afterClose) = (begin is { } token ? [token] : [], open, afterRole, close, afterClose);

    public override IReadOnlyList<int> EndTokens => [_close, .. Tokenizer.EndTokens.Where(token => token != _close)];

    public static ChatTemplate? TryCreate(ITokenizer tokenizer)
    {
        if (tokenizer.ControlToken("<|im_start|>") is { } start && tokenizer.ControlToken("<|im_end|>") is { } end)
        {
            var newLine = tokenizer.Encode("\n");
            return new ChatTemplate(tokenizer, null, start, newLine, end, newLine);
        }

        if (tokenizer.ControlToken("<|start_header_id|>") is { } open && tokenizer.ControlToken("<|end_header_id|>") is { } close
            && tokenizer.ControlToken("<|eot_id|>") is { } turnEnd)
        {
            return new ChatTemplate(tokenizer, tokenizer.ControlToken("<|begin_of_text|>"), open, [close, .. tokenizer.Encode("\n\n")], turnEnd, []);
        }

        return null;
    }

    private protected override IReadOnlyList<int> EncodeRecord(string record) => Tokenizer.Encode($"Record:\n{record}\n\n");

    private protected override IReadOnlyList<int> Assemble(IReadOnlyList<PromptTurn> turns, IReadOnlyList<IReadOnlyList<int>> records)
    {
        var tokens = new List<int>(_begin);
        var rest = turns.ToList();
        if (records.Count > 0)
        {
            var instruction = rest is [{ Role: "system" } system, ..] ? system.Content + "\n\n" : string.Empty;
            rest = [.. rest.Skip(instruction.Length > 0 ? 1 : 0)];
            AddTurn(tokens, "system", [.. Tokenizer.Encode(instruction + "Answer from these records.\n\n"), .. records.SelectMany(record => record)]);
        }

        rest.ForEach(turn => AddTurn(tokens, turn.Role, Tokenizer.Encode(turn.Content)));
        return [.. tokens, _open, .. Tokenizer.Encode("assistant"), .. _afterRole];
    }

    private void AddTurn(List<int> tokens, string role, IReadOnlyList<int> content)
    {
        tokens.Add(_open);
        tokens.AddRange([.. Tokenizer.Encode(role), .. _afterRole, .. content, _close, .. _afterClose]);
    }
}
