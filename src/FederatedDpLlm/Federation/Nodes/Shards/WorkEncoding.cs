using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Federation.Nodes.Shards;

/// <summary>Requests and refusals as payloads: kind, whether it goes on (0 or 1), first layer, end layer, rows (session, position, count), then the stream or the sums.</summary>
internal static class WorkEncoding
{
    private const int LargestSize = 1 << 20;
    private const int LongestReason = 512;

    public static void Write(WireWriter writer, ShardWork work)
    {
        writer.Byte((byte)work.Kind).Byte(work.GoesOn ? (byte)1 : (byte)0).Int32(work.FirstLayer).Int32(work.EndLayer).Int32(work.Rows.Count);
        foreach (var rows in work.Rows)
        {
            writer.Guid(rows.Session).Int32(rows.Position).Int32(rows.Count);
        }

        writer.Floats(work.Stream.Span);
    }

    /// <exception cref="ShardProtocolException">The payload is no request.</exception>
    public static ShardWork ReadWork(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var kind = (ShardStepKind)reader.Byte();
        var goesOn = reader.Byte();
        if (!Enum.IsDefined(kind) || goesOn > 1)
        {
            throw new ShardProtocolException("There is no such request.");
        }

        var (first, end, count) = (reader.Count(LargestSize), reader.Count(LargestSize), reader.Count(ShardWork.MostRows));
        var rows = new ShardRows[count];
        for (var index = 0; index < count; index++)
        {
            rows[index] = new ShardRows(reader.Guid(), reader.Count(LargestSize), reader.Count(ShardWork.MostRows));
        }

        return new ShardWork(kind, first, end, rows, reader.Floats(), goesOn == 1);
    }

    public static void Write(WireWriter writer, ShardRefusedException refused) =>
        writer.Byte((byte)refused.Refusal).Text(refused.Message.Length <= LongestReason / 4 ? refused.Message : refused.Message[..(LongestReason / 4)]);

    /// <exception cref="ShardProtocolException">The payload is no refusal.</exception>
    public static ShardRefusedException ReadRefusal(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        var refusal = (ShardRefusal)reader.Byte();
        var reason = reader.Text(LongestReason);
        reader.End();
        return Enum.IsDefined(refusal) ? new ShardRefusedException(refusal, reason) : throw new ShardProtocolException("There is no such refusal.");
    }
}
