namespace FederatedDpLlm.Models.Serving.Constraints;

/// <summary>Within one of some texts that agree so far.</summary>
/// <param name="texts">At least one, all longer than what was read, or as long.</param>
/// <param name="at">Bytes read.</param>
/// <param name="rest">What follows; it begins with no byte that one of the texts could go on with.</param>
internal sealed class Alternatives(IReadOnlyList<byte[]> texts, int at, ByteState rest) : ByteState
{
    public override int BytesLeft { get; } = texts.Min(text => text.Length) - at + rest.BytesLeft;

    public override ByteState? After(byte next)
    {
        var left = texts.Where(text => text.Length > at && text[at] == next).ToList();
        return left.Count switch
        {
            0 => texts.Any(text => text.Length == at) ? rest.After(next) : null,
            _ when left.TrueForAll(text => text.Length == at + 1) => rest,
            _ => new Alternatives(left, at + 1, rest),
        };
    }
}
