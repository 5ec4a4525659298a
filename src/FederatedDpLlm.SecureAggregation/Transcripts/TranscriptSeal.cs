using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Transcripts;

/// <summary>
/// The end of a transcript: what the coordinator claims came of the round, and the Merkle root over all entries, signed with the coordinator's key, so that it
/// cannot later show another history of the same round.
/// </summary>
/// <param name="Refusal">Why there is no sum; null where there is one.</param>
/// <param name="SumHash">SHA-256 of the sum as little-endian 64-bit integers; zeros where there is none.</param>
/// <param name="Survivors">Whose updates the sum is of.</param>
/// <param name="Blamed">Who was blamed.</param>
/// <param name="Root">Over the entries' leaves.</param>
public sealed record TranscriptSeal(RefusalCode? Refusal, ReadOnlyMemory<byte> SumHash, IReadOnlyList<int> Survivors, IReadOnlyList<int> Blamed, ReadOnlyMemory<byte> Root)
{
    private static ReadOnlySpan<byte> Purpose => "FederatedDpLlm aggregation transcript seal 1"u8;

    /// <summary>SHA-256 of values as little-endian 64-bit integers: the same whatever the width a mode sums in.</summary>
    public static byte[] HashOf(ReadOnlySpan<int> values)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new long[4096];
        for (var start = 0; start < values.Length; start += block.Length)
        {
            var part = values[start..Math.Min(values.Length, start + block.Length)];
            for (var i = 0; i < part.Length; i++)
            {
                block[i] = BitConverter.IsLittleEndian ? part[i] : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((long)part[i]);
            }

            hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(block.AsSpan(0, part.Length)));
        }

        return hash.GetHashAndReset();
    }

    internal static TranscriptSeal Of(Outcome<AggregateSum> outcome, ReadOnlySpan<byte[]> leaves) => outcome.IsAccepted
        ? new TranscriptSeal(null, HashOf(outcome.Value.Values.Span), outcome.Value.Survivors, outcome.Value.Blamed, MerkleTree.Root(leaves))
        : new TranscriptSeal(outcome.Refusal.Code, new byte[32], [], outcome.Refusal.Blamed is { } blamed ? [blamed] : [], MerkleTree.Root(leaves));

    internal static TranscriptSeal? TryDecode(ReadOnlySpan<byte> encoded)
    {
        var reader = new WireReader(encoded);
        var refusal = reader.Int32();
        var sumHash = reader.Bytes(32).ToArray();
        var survivors = ReadClients(ref reader);
        var blamed = ReadClients(ref reader);
        var root = reader.Bytes(MerkleTree.HashSizeBytes).ToArray();
        return reader.IsComplete && (refusal == -1 || Enum.IsDefined((RefusalCode)refusal))
            ? new TranscriptSeal(refusal == -1 ? null : (RefusalCode)refusal, sumHash, survivors, blamed, root)
            : null;
    }

    internal byte[] Encode()
    {
        var writer = new WireWriter();
        writer.Int32(Refusal is { } refusal ? (int)refusal : -1);
        writer.Bytes(SumHash.Span);
        foreach (var clients in new[] { Survivors, Blamed })
        {
            writer.Int32(clients.Count);
            foreach (var client in clients)
            {
                writer.Int32(client);
            }
        }

        writer.Bytes(Root.Span);
        return writer.ToArray();
    }

    internal byte[] Sign(HospitalIdentity coordinator, RoundParameters parameters) => coordinator.Sign(Signed(parameters));

    internal bool IsSignedBy(ReadOnlySpan<byte> key, ReadOnlySpan<byte> signature, RoundParameters parameters) => HospitalIdentity.Verify(key, Signed(parameters), signature);

    internal bool Claims(TranscriptSeal other) => Encode().AsSpan().SequenceEqual(other.Encode());

    private byte[] Signed(RoundParameters parameters) => [.. Purpose, .. parameters.Digest, .. Encode()];

    private static int[] ReadClients(ref WireReader reader)
    {
        var clients = new int[reader.Count(RoundParameters.MostClients)];
        for (var i = 0; i < clients.Length; i++)
        {
            clients[i] = reader.Count(RoundParameters.MostClients - 1);
        }

        return clients;
    }
}
