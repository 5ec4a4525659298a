// References
//   The chain: Haber, Stornetta, "How to time-stamp a digital document", Journal of Cryptology 3 (1991), section 5.
//   Why every field carries its length: two different records must never encode to the same bytes (RFC 6962 section 2.1 on domain separation).
// Parameters
//   hash      SHA-256, 32 bytes; the first entry follows 32 zero bytes
//   encoding  "fedllm.audit.v1" 0x00 || previous hash || index || time || request id || decision || actor || details || movements
//             integers are 8 bytes, big endian; a text is its length in UTF-8 bytes (4 bytes, big endian) and the bytes;
//             details are JSON with its keys in ordinal order and no white space; movements are their number (4 bytes) and, each,
//             account, window start, held, spent
using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FederatedDpLlm.Security.Audit;

/// <summary>The one way in which an entry becomes bytes, and the hash that chains it to the entry before.</summary>
internal static class AuditEncoding
{
    public const int HashSizeBytes = SHA256.HashSizeInBytes;

    private static readonly JsonWriterOptions Canonical = new() { Indented = false, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static ReadOnlySpan<byte> Domain => "fedllm.audit.v1\0"u8;

    public static byte[] Genesis { get; } = new byte[HashSizeBytes];

    /// <summary>Details as JSON, keys in ordinal order.</summary>
    public static string Details(IReadOnlyDictionary<string, string> details)
    {
        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text, Canonical))
        {
            json.WriteStartObject();
            foreach (var (name, value) in details.OrderBy(detail => detail.Key, StringComparer.Ordinal))
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    public static IReadOnlyDictionary<string, string> ParseDetails(string details) =>
        JsonSerializer.Deserialize<Dictionary<string, string>>(details) ?? [];

    /// <summary>The row that appends <paramref name="entry"/> after the entry whose hash is <paramref name="previous"/>.</summary>
    public static StoredAuditEntry Seal(AuditEntry entry, byte[] previous)
    {
        var record = entry.Record;
        var row = new StoredAuditEntry(
            entry.Index, entry.Time.ToUnixTimeMilliseconds(), record.RequestId, record.Decision.ToString(), record.Actor, Details(record.Details), entry.Movements, previous, []);
        return row with { Hash = Hash(row) };
    }

    /// <summary>SHA-256 over the row's canonical encoding, the hash of the entry before included.</summary>
    public static byte[] Hash(StoredAuditEntry row)
    {
        var bytes = new ArrayBufferWriter<byte>(512);
        bytes.Write(Domain);
        bytes.Write(row.Previous);
        WriteInteger(bytes, row.Index);
        WriteInteger(bytes, row.UnixMilliseconds);
        WriteText(bytes, row.RequestId);
        WriteText(bytes, row.Decision);
        WriteText(bytes, row.Actor);
        WriteText(bytes, row.Details);
        WriteCount(bytes, row.Movements.Count);
        foreach (var movement in row.Movements)
        {
            WriteText(bytes, movement.Account);
            WriteInteger(bytes, movement.WindowStart);
            WriteInteger(bytes, movement.Held);
            WriteInteger(bytes, movement.Spent);
        }

        return SHA256.HashData(bytes.WrittenSpan);
    }

    private static void WriteInteger(ArrayBufferWriter<byte> bytes, long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(bytes.GetSpan(sizeof(long)), value);
        bytes.Advance(sizeof(long));
    }

    private static void WriteCount(ArrayBufferWriter<byte> bytes, int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(bytes.GetSpan(sizeof(int)), value);
        bytes.Advance(sizeof(int));
    }

    private static void WriteText(ArrayBufferWriter<byte> bytes, string text)
    {
        WriteCount(bytes, Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, bytes);
    }
}
