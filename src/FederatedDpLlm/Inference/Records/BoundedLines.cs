namespace FederatedDpLlm.Inference.Records;

/// <summary>The lines of a stream of bytes, none held longer than a cap: a longer one is read past and handed out as null.</summary>
internal static class BoundedLines
{
    private const int BufferSizeBytes = 64 * 1024;

    /// <returns>The line's number from 1, its bytes without the line end (valid until the next one is asked for), and its length.</returns>
    public static IEnumerable<(long Number, ReadOnlyMemory<byte>? Line, long Length)> Read(Stream stream, int maxLineBytes)
    {
        var buffer = new byte[BufferSizeBytes];
        var line = new MemoryStream();
        long number = 1, length = 0;
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            var rest = buffer.AsMemory(0, read);
            while (rest.Length > 0)
            {
                var end = rest.Span.IndexOf((byte)'\n');
                var part = end < 0 ? rest : rest[..end];
                length += part.Length;
                if (length <= maxLineBytes)
                {
                    line.Write(part.Span);
                }

                if (end < 0)
                {
                    break;
                }

                yield return (number++, Line(line, length <= maxLineBytes, number == 2), length);
                (length, line.Position) = (0, 0);
                line.SetLength(0);
                rest = rest[(end + 1)..];
            }
        }

        if (length > 0)
        {
            yield return (number, Line(line, length <= maxLineBytes, number == 1), length);
        }
    }

    private static ReadOnlyMemory<byte>? Line(MemoryStream line, bool whole, bool first)
    {
        if (!whole)
        {
            return null;
        }

        var bytes = line.GetBuffer().AsMemory(0, (int)line.Length);
        var byteOrderMark = first && bytes.Span.StartsWith("\uFEFF"u8) ? 3 : 0;
        bytes = bytes[byteOrderMark..];
        return bytes.Span.EndsWith("\r"u8) ? bytes[..^1] : bytes;
    }
}
