using System.Numerics;
using CsCheck;
using FederatedDpLlm.SecureAggregation.Fields;

namespace FederatedDpLlm.SecureAggregation.Tests.Fields;

public sealed class ScalarTests
{
    // RFC 9496, section 4.4.
    private static readonly BigInteger Order = (BigInteger.One << 252) + BigInteger.Parse("27742317777372353535851937790883648493");

    [Fact]
    public void An_encoding_is_read_exactly_where_it_is_below_the_order()
    {
        foreach (var power in new[] { 0, 1, 63, 64, 65, 127, 128, 191, 192, 251, 252, 253, 255 })
        {
            foreach (var near in new[] { -1, 0, 1 })
            {
                Check((BigInteger.One << power) + near);
                Check(Order - (BigInteger.One << power) + near);
                Check(Order + (BigInteger.One << power) + near);
            }
        }

        Check((BigInteger.One << 256) - 1);
        Gen.Byte.Array[32].Sample(bytes => Check(new BigInteger(bytes, isUnsigned: true)));
        Gen.Byte.Array[32].Select(Gen.Int[0, 31]).Sample((bytes, place) =>
        {
            // As the order, but for one byte.
            var near = Encode(Order);
            near[place] = bytes[0];
            Check(new BigInteger(near, isUnsigned: true));
        });
    }

    [Theory, InlineData(0), InlineData(31), InlineData(33), InlineData(64)]
    public void An_encoding_of_another_length_is_none(int length)
    {
        Assert.False(Scalar.TryRead(new byte[length], out var scalar));
        Assert.True(scalar.FixedTimeEquals(Scalar.Zero));
    }

    private static void Check(BigInteger value)
    {
        if (value < 0 || value >= BigInteger.One << 256)
        {
            return;
        }

        var encoded = Encode(value);
        Assert.Equal(value < Order, Scalar.TryRead(encoded, out var scalar));
        Assert.Equal(value < Order ? encoded : new byte[32], Encode(scalar));
    }

    private static byte[] Encode(BigInteger value)
    {
        var bytes = new byte[32];
        Assert.True(value.TryWriteBytes(bytes, out _, isUnsigned: true));
        return bytes;
    }

    private static byte[] Encode(Scalar scalar)
    {
        var bytes = new byte[32];
        scalar.CopyTo(bytes);
        return bytes;
    }
}
