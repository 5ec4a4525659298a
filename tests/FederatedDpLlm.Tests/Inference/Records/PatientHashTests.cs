using System.Text;
using FederatedDpLlm.Inference.Records;

namespace FederatedDpLlm.Tests.Inference.Records;

public sealed class PatientHashTests
{
    private static readonly byte[] Key = Encoding.ASCII.GetBytes("0123456789abcdef0123456789abcdef");

    [Fact]
    public void The_bucket_is_the_head_of_the_keyed_hash_modulo_the_buckets()
    {
        // HMAC-SHA256 of "patient-1" under the key above begins with these eight bytes (openssl dgst -sha256 -hmac).
        var hash = System.Security.Cryptography.HMACSHA256.HashData(Key, "patient-1"u8);
        var head = Convert.ToUInt64(Convert.ToHexString(hash.AsSpan(0, 8)), 16);
        Assert.Equal((int)(head % 100), PatientHash.BucketOf("patient-1", Key, 100));
    }

    [Fact]
    public void Patients_spread_evenly_and_differently_under_another_key()
    {
        var other = Encoding.ASCII.GetBytes("another key of thirty-two bytes!");
        var counts = new int[16];
        var moved = 0;
        for (var i = 0; i < 16_000; i++)
        {
            var bucket = PatientHash.BucketOf($"p{i}", Key, 16);
            counts[bucket]++;
            moved += bucket == PatientHash.BucketOf($"p{i}", other, 16) ? 0 : 1;
        }

        // Fixed inputs: no run differs. Each bucket expects 1,000 with a standard deviation of 31.
        Assert.All(counts, count => Assert.InRange(count, 840, 1160));
        Assert.InRange(moved, 14_700, 15_300);
    }

    [Fact]
    public void A_short_key_and_no_bucket_are_refused()
    {
        Assert.Throws<ArgumentException>(() => PatientHash.BucketOf("p", Key.AsSpan(0, 31), 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => PatientHash.BucketOf("p", Key, 0));
    }
}
