namespace FederatedDpLlm.Models.Tokenization;

/// <summary>GPT-2's way to write any byte as a printable character, so that tokens are strings: printable Latin-1 stands for itself, the rest for U+0100 and on (openai/gpt-2, encoder.py bytes_to_unicode).</summary>
internal static class ByteAlphabet
{
    private static readonly char[] Written = MakeWritten();
    private static readonly Dictionary<char, byte> Bytes = Enumerable.Range(0, 256).ToDictionary(value => Written[value], value => (byte)value);

    public static char Write(byte value) => Written[value];

    public static string Write(ReadOnlySpan<byte> bytes)
    {
        var text = new char[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            text[i] = Written[bytes[i]];
        }

        return new string(text);
    }

    /// <summary>The bytes that a token's string stands for; null where a character is none of the alphabet.</summary>
    public static byte[]? Read(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
        {
            if (!Bytes.TryGetValue(token[i], out bytes[i]))
            {
                return null;
            }
        }

        return bytes;
    }

    private static char[] MakeWritten()
    {
        var written = new char[256];
        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            var printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            written[value] = printable ? (char)value : (char)next++;
        }

        return written;
    }
}
