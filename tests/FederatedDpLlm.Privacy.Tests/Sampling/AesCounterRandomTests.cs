using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Privacy.Tests.Sampling;

public sealed class AesCounterRandomTests
{
    // NIST SP 800-38A, F.5.5 (CTR-AES256.Encrypt): key, initial counter, output blocks.
    [Fact]
    public void The_stream_is_that_of_the_standard()
    {
        var key = Convert.FromHexString("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        using var random = new AesCounterRandom(key, UInt128.Parse("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", System.Globalization.NumberStyles.HexNumber, null));
        var stream = new byte[64];
        random.Fill(stream);
        Assert.Equal("0bdf7df1591716335e9a8b15c860c5025a6e699d536119065433863c8f657b941bc12c9c01610d5d0d8bd6a3378eca622956e1c8693536b1bee99c73a31576b6", Convert.ToHexStringLower(stream));
    }

    [Fact]
    public void A_short_call_drops_the_rest_of_its_block()
    {
        byte[] whole = new byte[48], parts = new byte[48];
        using var one = new AesCounterRandom(new byte[32]);
        using var other = new AesCounterRandom(new byte[32]);
        one.Fill(whole);
        other.Fill(parts.AsSpan(0, 5));
        other.Fill(parts.AsSpan(16, 32));
        other.Fill([]);
        Assert.Equal(whole[..5], parts[..5]);
        Assert.Equal(whole[16..], parts[16..]);

        // Whole blocks follow each other without a gap.
        using var third = new AesCounterRandom(new byte[32]);
        third.Fill(parts.AsSpan(0, 16));
        third.Fill(parts.AsSpan(16, 32));
        Assert.Equal(whole, parts);
        Assert.Throws<ArgumentOutOfRangeException>(() => new AesCounterRandom(new byte[16]));
    }
}
