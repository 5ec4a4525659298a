using System.Security.Cryptography;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// The commitments to the members' parts of the committee's key, which every member signs again beside its part. Without them the last member to show its part
/// could choose it as a part of its own less the sum of the others', and the "committee's" key would be its own (the rogue key of Micali, Ohta, Reyzin, CCS 2001).
/// A member shows its part only when all are committed; whoever sees a threshold of sharings with one list sees what some honest member saw before that.
/// </summary>
/// <param name="Entries">Members, ascending, with their commitments (32 bytes).</param>
internal sealed record CommittedParts(IReadOnlyList<(int Member, byte[] Commitment)> Entries)
{
    /// <summary>The commitment to a part, bound to the round and the member.</summary>
    public static byte[] Commit(RoundParameters parameters, int member, ReadOnlySpan<byte> part)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("committee public part"u8);
        hash.AppendData(parameters.Digest);
        hash.AppendData(BitConverter.GetBytes(member));
        hash.AppendData(part);
        return hash.GetHashAndReset();
    }

    public static CommittedParts Read(ref WireReader reader, RoundParameters parameters)
    {
        var entries = new (int Member, byte[] Commitment)[reader.Count(parameters.Dealers)];
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = (reader.Count(parameters.Dealers - 1), reader.Bytes(32).ToArray());
            if (i > 0 && entries[i].Member <= entries[i - 1].Member)
            {
                reader.Break();
            }
        }

        return new CommittedParts(entries);
    }

    public void Write(WireWriter writer)
    {
        writer.Int32(Entries.Count);
        foreach (var (member, commitment) in Entries)
        {
            writer.Int32(member);
            writer.Bytes(commitment);
        }
    }

    public bool Admits(RoundParameters parameters, int member, ReadOnlySpan<byte> part)
    {
        var commitment = Commit(parameters, member, part);
        return Entries.Any(entry => entry.Member == member && entry.Commitment.AsSpan().SequenceEqual(commitment));
    }

    public bool AreSame(CommittedParts other) =>
        Entries.Count == other.Entries.Count && Entries.Zip(other.Entries).All(pair => pair.First.Member == pair.Second.Member && pair.First.Commitment.AsSpan().SequenceEqual(pair.Second.Commitment));
}
