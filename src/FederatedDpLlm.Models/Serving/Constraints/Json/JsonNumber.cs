namespace FederatedDpLlm.Models.Serving.Constraints.Json;

/// <summary>Within a number (RFC 8259, section 6).</summary>
internal sealed class JsonNumber(JsonNumber.Part part, bool isWhole, ByteState rest) : ByteState
{
    internal enum Part
    {
        Start,
        Minus,
        Zero,
        Digits,
        Point,
        Fraction,
        Exponent,
        ExponentSign,
        ExponentDigits,
    }

    public override int BytesLeft => (IsNumber ? 0 : 1) + rest.BytesLeft;

    private bool IsNumber => part is Part.Zero or Part.Digits or Part.Fraction or Part.ExponentDigits;

    public override ByteState? After(byte next) => Following(next) is { } following ? new JsonNumber(following, isWhole, rest) : IsNumber ? rest.After(next) : null;

    private Part? Following(byte next) => part switch
    {
        Part.Start when next == '-' => Part.Minus,
        Part.Start or Part.Minus when next == '0' => Part.Zero,
        Part.Start or Part.Minus or Part.Digits when IsDigit(next) => Part.Digits,
        Part.Zero or Part.Digits when next == '.' && !isWhole => Part.Point,
        Part.Zero or Part.Digits or Part.Fraction when next is (byte)'e' or (byte)'E' && !isWhole => Part.Exponent,
        Part.Point or Part.Fraction when IsDigit(next) => Part.Fraction,
        Part.Exponent when next is (byte)'+' or (byte)'-' => Part.ExponentSign,
        Part.Exponent or Part.ExponentSign or Part.ExponentDigits when IsDigit(next) => Part.ExponentDigits,
        _ => null,
    };

    private static bool IsDigit(byte next) => next is >= (byte)'0' and <= (byte)'9';
}
