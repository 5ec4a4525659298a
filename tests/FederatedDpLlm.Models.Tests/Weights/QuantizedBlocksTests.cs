using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Weights;

/// <summary>Blocks as llama.cpp v0.5.0's reference functions read and write them (dequantize_row_q4_K, _q6_K; quantize_row_q8_0_ref, _q4_0_ref), computed there once.</summary>
public sealed class QuantizedBlocksTests
{
    private const string Q4K = "4c22f0272530bb1d6d132cded6237b2ed91e3f721fcb1971174494d6493c9d5c3460be31201e69fedaa0eee8b9997f5c7c2999fdafe593253cd654af4dfad71427a0aeb3fee9232f8af2211f9ee491c5b10becb5563bfc1e6f93427ecbc8fe2955e5cd8e46dc8ed4b7c2764d2a5a4d767706f85d8690024ad6bda3401be9c8cbccc935f6cd1f61226ae15338ae1a3400";
    private const string Q6K = "4d33ba0d246ac04c81b1baf23e3bf9eef5f79f2b4934af87f5520b69b94b0d982e85bb55b672a872637acd7466fcb60e0e8ff18463b0e4b2ba29703474f064ac68f700f5b02b3dc666f45bdeaa2ccaedcd2b5157410e4dee4af2b34f430a073447de636c0e806c957ba684d6431fb5ead7424d09e15d024c5848f23d1fa6f7361d7f618d1532e70e20e2a6668de7f47e8467e546d53ec8e2a1257bdb256c9b3e4fbb498146ef7030cbf9537252dcceadd764b6a32fbb09adeae109c4a997203975352b878b145c8a42d884cf4cfda72d4c22";
    private const string Q8 = "fe228720bd56f28f28c55efb9730cd6603a039d56e0ba841de7713b049e67f1cb851c422ee8725bf5df6902ec765ff9836d06e07a13fd87610a947e17f18b250e98321ba";
    private const string Q4 = "f0b24fb61c73e94fa51c72d83fa50b62d83eb6b2e94fb61c72d94fa50c62d83f95fb61c8";

    [Theory]
    [InlineData(ElementType.Q4_K, Q4K, "23e3cf39414a1fded31e191c10acbf56a0d65e98776079d0386ec2fb9dce0c2f")]
    [InlineData(ElementType.Q6_K, Q6K, "066c6c1e7aaf47f49c5104701976c0e02db25e5ef30a23bd9a709be0231b4abf")]
    public void A_super_block_is_widened_to_the_bits_of_the_reference(ElementType type, string block, string sha256)
    {
        var values = new float[256];
        ElementConversion.Widen(Convert.FromHexString(block), type, values);
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(values))));
    }

    [Theory, InlineData(ElementType.Q8_0, Q8), InlineData(ElementType.Q4_0, Q4)]
    public void Weights_are_narrowed_to_the_bytes_of_the_reference(ElementType type, string expected)
    {
        float[] values = [.. Enumerable.Range(0, 64).Select(i => (float)((i * 37 % 61 - 29.3) / 17.7))];
        var bytes = new byte[type.RowBytes(64)];
        ElementConversion.Narrow(values, type, bytes);
        Assert.Equal(expected, Convert.ToHexStringLower(bytes));
    }

    [Theory, InlineData(ElementType.Q8_0, 1.0 / 127), InlineData(ElementType.Q4_0, 1.0 / 8)]
    public void A_weight_comes_back_within_half_a_step_and_zeros_as_zeros(ElementType type, double step)
    {
        var values = Kernels.MatrixTests.Floats(320, 3).Span.ToArray();
        values.AsSpan(32, 32).Clear();
        var (bytes, read) = (new byte[type.RowBytes(320)], new float[320]);
        ElementConversion.Narrow(values, type, bytes);
        ElementConversion.Widen(bytes, type, read);

        // Four bits reach from -8 to 7, so the extreme of the other sign may be a whole step off; the scale itself is rounded to 11 bits.
        var tolerance = step * (type == ElementType.Q8_0 ? 0.5 : 1) + 1.0 / 1024;
        Assert.All(values.Zip(read), pair => Assert.Equal(pair.First, pair.Second, tolerance));
        Assert.All(read[32..64], value => Assert.Equal(0, value));
    }

    [Fact]
    public void A_row_that_is_no_whole_number_of_blocks_is_refused() => Assert.Throws<ModelFormatException>(() => ElementType.Q8_0.RowBytes(172));
}
