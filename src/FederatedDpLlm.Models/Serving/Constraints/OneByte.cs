namespace FederatedDpLlm.Models.Serving.Constraints;

/// <summary>Before a byte that must come.</summary>
internal sealed class OneByte(char expected, ByteState rest) : ByteState
{
    public override int BytesLeft => 1 + rest.BytesLeft;

    public override ByteState? After(byte next) => next == expected ? rest : null;
}
