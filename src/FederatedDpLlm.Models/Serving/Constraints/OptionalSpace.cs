namespace FederatedDpLlm.Models.Serving.Constraints;

/// <summary>Before a space that may come.</summary>
internal sealed class OptionalSpace(ByteState rest) : ByteState
{
    public override int BytesLeft => rest.BytesLeft;

    public override ByteState? After(byte next) => next == ' ' ? rest : rest.After(next);
}
