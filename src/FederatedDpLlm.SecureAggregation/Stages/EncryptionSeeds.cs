using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// From what the lattice modes of a round are seeded. Public polynomials come from a hash, so that nobody can hide a trapdoor in them: those of updates from all
/// advertisements, the committee's from the round's parameters alone, since members commit to their parts of the key in their advertisements.
/// </summary>
internal static class EncryptionSeeds
{
    /// <summary>The seed of the public polynomials under which updates are encrypted.</summary>
    public static byte[] Public(RoundParameters parameters, ReadOnlySpan<byte> advertisements) => Derive(advertisements, "public polynomials"u8, parameters);

    /// <summary>The seed of the public polynomial of the committee's key.</summary>
    public static byte[] CommitteePublic(RoundParameters parameters) => Derive(parameters.Digest, "committee polynomial"u8, parameters);

    /// <summary>
    /// A client's secret for one purpose. It comes from the channel secret, which is never shared: what others restore after a dropout says nothing about it.
    /// </summary>
    public static byte[] Secret(ClientMemory memory, ReadOnlySpan<byte> advertisements, ReadOnlySpan<byte> purpose)
    {
        var secret = GC.AllocateArray<byte>(32, pinned: true);
        KeyDerivation.Derive(memory.ChannelSeed, advertisements, purpose, memory.Context, memory.Self, memory.Self, secret);
        return secret;
    }

    private static byte[] Derive(ReadOnlySpan<byte> agreed, ReadOnlySpan<byte> purpose, RoundParameters parameters)
    {
        var seed = new byte[CounterKeystream.KeySizeBytes];
        KeyDerivation.Derive(agreed, [], purpose, parameters.Digest, -1, -1, seed);
        return seed;
    }
}
