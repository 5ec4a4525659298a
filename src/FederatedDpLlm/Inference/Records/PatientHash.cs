using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace FederatedDpLlm.Inference.Records;

// References
//   H. Krawczyk, M. Bellare, R. Canetti, "HMAC: Keyed-Hashing for Message Authentication", RFC 2104; with SHA-256 (FIPS 180-4).
// Parameters
//   Key at least 32 bytes, held by whoever partitions and by nobody else: without it nobody can tell who lies with whom.

/// <summary>Assigns patients to buckets (shards of a node, hospitals of a demo) by a keyed hash of the patient's id alone, so that all records of one patient meet.</summary>
public static class PatientHash
{
    public const int MinKeySizeBytes = 32;

    /// <summary>The bucket of a patient, in [0, <paramref name="buckets"/>); a bucket's share differs from 1/buckets by less than 2^-32.</summary>
    /// <exception cref="ArgumentException">The key is shorter than 32 bytes.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="buckets"/> is below 1.</exception>
    public static int BucketOf(string patientId, ReadOnlySpan<byte> key, int buckets)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(buckets, 1);
        if (key.Length < MinKeySizeBytes)
        {
            throw new ArgumentException($"The partition's key has at least {MinKeySizeBytes} bytes.", nameof(key));
        }

        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(patientId), hash);
        return (int)(BinaryPrimitives.ReadUInt64BigEndian(hash) % (ulong)buckets);
    }
}
