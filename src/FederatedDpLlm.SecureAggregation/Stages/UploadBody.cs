namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The signed part of an upload.</summary>
internal sealed record UploadBody(long PayloadLength, byte[] PayloadHash)
{
    public static UploadBody Of(ReadOnlyMemory<byte> payload, int workers = 1) => new(payload.Length, Commitments.PayloadHash.Of(payload, workers));

    public static UploadBody? TryDecode(ReadOnlySpan<byte> body)
    {
        var reader = new WireReader(body);
        var decoded = new UploadBody(reader.Int64(), reader.Bytes(32).ToArray());
        return reader.IsComplete ? decoded : null;
    }

    public byte[] Encode()
    {
        var writer = new WireWriter();
        writer.Int64(PayloadLength);
        writer.Bytes(PayloadHash);
        return writer.ToArray();
    }
}
