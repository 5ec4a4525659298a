namespace FederatedDpLlm.Models.Serving.Constraints.Json;

/// <summary>Within quotation marks (RFC 8259, section 7): no bare control characters, escapes whole, well-formed UTF-8 (RFC 3629, section 4).</summary>
internal sealed class JsonText(ByteState rest) : ByteState
{
    public override int BytesLeft => 1 + rest.BytesLeft;

    public override ByteState? After(byte next) => next switch
    {
        (byte)'"' => rest,
        (byte)'\\' => new Escape(this),
        < 0x20 => null,
        < 0x80 => this,
        >= 0xC2 and <= 0xDF => new Continuation(this, 1, 0x80, 0xBF),
        0xE0 => new Continuation(this, 2, 0xA0, 0xBF),
        0xED => new Continuation(this, 2, 0x80, 0x9F),
        >= 0xE1 and <= 0xEF => new Continuation(this, 2, 0x80, 0xBF),
        0xF0 => new Continuation(this, 3, 0x90, 0xBF),
        >= 0xF1 and <= 0xF3 => new Continuation(this, 3, 0x80, 0xBF),
        0xF4 => new Continuation(this, 3, 0x80, 0x8F),
        _ => null,
    };

    private sealed class Continuation(JsonText text, int left, byte least, byte most) : ByteState
    {
        public override int BytesLeft => left + text.BytesLeft;

        public override ByteState? After(byte next) => next < least || next > most ? null : left == 1 ? text : new Continuation(text, left - 1, 0x80, 0xBF);
    }

    private sealed class Escape(JsonText text) : ByteState
    {
        public override int BytesLeft => 1 + text.BytesLeft;

        public override ByteState? After(byte next) => next switch
        {
            (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t' => text,
            (byte)'u' => new Hexadecimal(text, 4, 'u'),
            _ => null,
        };
    }

    // Halves of a character beyond the basic plane are not written alone: no escape of D800 to DFFF at all.
    private sealed class Hexadecimal(JsonText text, int left, char before) : ByteState
    {
        public override int BytesLeft => left + text.BytesLeft;

        public override ByteState? After(byte next)
        {
            var digit = char.ToUpperInvariant((char)next);
            return !char.IsAsciiHexDigit(digit) || (left == 3 && before == 'D' && digit >= '8') ? null : left == 1 ? text : new Hexadecimal(text, left - 1, digit);
        }
    }
}
