namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The signed part of an upload.</summary>
/// <param name="PayloadLength">The payload's length.</param>
/// <param name="PayloadHash">Its hash (<see cref="Commitments.PayloadHash"/>).</param>
/// <param name="KeyHash">In the committee mode, <see cref="CommitteeKey.Bind(ReadOnlySpan{byte})"/>; empty in the others.</param>
internal sealed record UploadBody(long PayloadLength, byte[] PayloadHash, byte[] KeyHash)
{
    public static UploadBody Of(ReadOnlyMemory<byte> payload, int workers = 1, byte[]? keyHash = null) =>
        new(payload.Length, Commitments.PayloadHash.Of(payload, workers), keyHash ?? []);

    public static UploadBody? TryDecode(ReadOnlySpan<byte> body)
    {
        var reader = new WireReader(body);
        var (length, hash) = (reader.Int64(), reader.Bytes(32).ToArray());
        var keyHash = reader.Remaining > 0 ? reader.Bytes(32).ToArray() : [];
        return reader.IsComplete ? new UploadBody(length, hash, keyHash) : null;
    }

    public byte[] Encode()
    {
        var writer = new WireWriter();
        writer.Int64(PayloadLength);
        writer.Bytes(PayloadHash);
        writer.Bytes(KeyHash);
        return writer.ToArray();
    }
}
