using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>From what the lattice modes of a round are seeded. Everything depends on all advertisements, so nobody alone chooses the public polynomials.</summary>
internal static class EncryptionSeeds
{
    /// <summary>The seed of the public polynomials under which updates are encrypted.</summary>
    public static byte[] Public(RoundParameters parameters, ReadOnlySpan<byte> advertisements) => Derive(advertisements, "public polynomials"u8, parameters);

    /// <summary>The seed of the public polynomial of the committee's key.</summary>
    public static byte[] CommitteePublic(RoundParameters parameters, ReadOnlySpan<byte> advertisements) => Derive(advertisements, "committee polynomial"u8, parameters);

    /// <summary>
    /// A client's secret for one purpose. It comes from the channel secret, which is never shared: what others restore after a dropout says nothing about it.
    /// </summary>
    public static byte[] Secret(ClientMemory memory, ReadOnlySpan<byte> advertisements, ReadOnlySpan<byte> purpose)
    {
        var secret = GC.AllocateArray<byte>(32, pinned: true);
        KeyDerivation.Derive(memory.ChannelSeed, advertisements, purpose, memory.Context, memory.Self, memory.Self, secret);
        return secret;
    }

    private static byte[] Derive(ReadOnlySpan<byte> advertisements, ReadOnlySpan<byte> purpose, RoundParameters parameters)
    {
        var seed = new byte[CounterKeystream.KeySizeBytes];
        KeyDerivation.Derive(advertisements, [], purpose, parameters.Digest, -1, -1, seed);
        return seed;
    }
}
