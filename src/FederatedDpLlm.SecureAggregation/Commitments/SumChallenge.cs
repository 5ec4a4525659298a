using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Commitments;

/// <summary>
/// Two random linear functions over the prime field of 2^61 - 1, which follow from the round, its uploads' Merkle root and the sum that the coordinator
/// claims: a wrong sum agrees with the right one on both with probability below 2^-121, and nobody knew them before the sum was fixed.
/// Reference: Freivalds, 1977; the shape of VeriFL, Guo et al., TIFS 2021 (ePrint 2020/1573).
/// </summary>
public sealed class SumChallenge
{
    /// <summary>The prime 2^61 - 1.</summary>
    public const ulong Prime = (1UL << 61) - 1;

    private const int PieceLength = 1024;
    private readonly byte[] _digest;

    private SumChallenge(byte[] digest) => _digest = digest;

    /// <summary>What it follows from.</summary>
    public ReadOnlySpan<byte> Digest => _digest;

    /// <summary>The challenge to a claimed sum.</summary>
    public static SumChallenge For(RoundParameters parameters, SurvivorAnnouncement announcement, ReadOnlySpan<int> claimedSum)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(announcement);
        ArgumentOutOfRangeException.ThrowIfNotEqual(claimedSum.Length, parameters.VectorLength, nameof(claimedSum));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("FederatedDpLlm sum challenge 1"u8);
        hash.AppendData(announcement.Digest(parameters));
        hash.AppendData(Transcripts.TranscriptSeal.HashOf(claimedSum));
        return new SumChallenge(hash.GetHashAndReset());
    }

    /// <summary>The two functions of a vector, each below the prime.</summary>
    public (ulong First, ulong Second) Evaluate(ReadOnlySpan<int> values) => (Evaluate(values, "first function"u8), Evaluate(values, "second function"u8));

    private ulong Evaluate(ReadOnlySpan<int> values, ReadOnlySpan<byte> purpose)
    {
        Span<byte> key = stackalloc byte[CounterKeystream.KeySizeBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _digest, key, [], purpose);
        using var stream = new CounterKeystream(key);
        Span<uint> words = stackalloc uint[2 * PieceLength];
        var (sum, factors) = (UInt128.Zero, UInt128.Zero);
        for (var start = 0; start < values.Length; start += PieceLength)
        {
            var part = values[start..Math.Min(values.Length, start + PieceLength)];
            words.Clear();
            stream.AddTo(words, (ulong)(2 * start / CounterKeystream.LanesPerBlock));
            var random = MemoryMarshal.Cast<uint, ulong>(words);
            for (var i = 0; i < part.Length; i++)
            {
                // 61 random bits; the prime itself counts as 0, which is 2^-61 from uniform. Values are made positive so that no branch depends on them.
                var factor = random[i] & Prime;
                sum += Math.BigMul(factor, (ulong)(part[i] + (1L << 31)));
                factors += factor;
            }
        }

        // At most 2^30 terms below 2^93.
        var shift = (UInt128)(ulong)(factors % Prime) * (1UL << 31) % Prime;
        return (ulong)(((sum % Prime) + Prime - shift) % Prime);
    }
}
