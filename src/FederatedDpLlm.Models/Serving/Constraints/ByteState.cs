namespace FederatedDpLlm.Models.Serving.Constraints;

/// <summary>
/// A place in a text of some form, byte by byte: what may come next, and what is still open behind it. States never change, so that trying a token's bytes costs
/// only the states on their way.
/// </summary>
internal abstract class ByteState
{
    /// <summary>The text is whole.</summary>
    public static ByteState End { get; } = new Ended();

    /// <summary>The fewest bytes that make the text whole; 0 where it may end here. One of the next bytes always makes it one less.</summary>
    public abstract int BytesLeft { get; }

    /// <summary>Whether the text is whole and nothing may follow.</summary>
    public bool IsWhole => ReferenceEquals(this, End);

    /// <summary>The place after one more byte; null where it may not come.</summary>
    public abstract ByteState? After(byte next);

    /// <summary>The place after some bytes; null where they may not come.</summary>
    public ByteState? After(ReadOnlySpan<byte> bytes)
    {
        var state = this;
        foreach (var next in bytes)
        {
            state = state.After(next);
            if (state is null)
            {
                return null;
            }
        }

        return state;
    }

    private sealed class Ended : ByteState
    {
        public override int BytesLeft => 0;

        public override ByteState? After(byte next) => null;
    }
}
