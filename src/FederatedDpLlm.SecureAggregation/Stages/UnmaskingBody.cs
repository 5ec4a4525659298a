using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.SecretSharing;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>What a client releases: for each dealer one share, of the self-mask if the dealer survived, of the seed if it dropped out.</summary>
internal sealed record UnmaskingBody(byte[] Announcement, IReadOnlyDictionary<int, SecretShare> Shares)
{
    private const int EntrySizeBytes = 4 + (2 * Scalar.SizeBytes);

    public static UnmaskingBody? TryDecode(ReadOnlySpan<byte> body, int holder, RoundParameters parameters)
    {
        var reader = new WireReader(body);
        var announcement = reader.Bytes(32).ToArray();
        var count = reader.Count(parameters.Clients);
        if (reader.IsBroken || reader.Remaining != count * EntrySizeBytes)
        {
            return null;
        }

        var shares = new Dictionary<int, SecretShare>(count);
        var previous = -1;
        for (var i = 0; i < count; i++)
        {
            var dealer = reader.Count(parameters.Clients - 1);
            var valid = Scalar.TryRead(reader.Bytes(Scalar.SizeBytes), out var value) & Scalar.TryRead(reader.Bytes(Scalar.SizeBytes), out var blinding);
            if (!valid || reader.IsBroken || dealer <= previous)
            {
                return null;
            }

            shares[previous = dealer] = new SecretShare(SharingBody.PointOf(holder), value, blinding);
        }

        return new UnmaskingBody(announcement, shares);
    }

    public byte[] Encode()
    {
        var writer = new WireWriter();
        writer.Bytes(Announcement);
        writer.Int32(Shares.Count);
        Span<byte> bytes = stackalloc byte[Scalar.SizeBytes];
        foreach (var (dealer, share) in Shares.OrderBy(entry => entry.Key))
        {
            writer.Int32(dealer);
            share.Value.CopyTo(bytes);
            writer.Bytes(bytes);
            share.Blinding.CopyTo(bytes);
            writer.Bytes(bytes);
        }

        return writer.ToArray();
    }
}
