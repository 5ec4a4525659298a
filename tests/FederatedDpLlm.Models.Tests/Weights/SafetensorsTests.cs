using System.Buffers.Binary;
using System.Text;
using CsCheck;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Weights;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Theory, InlineData(ElementType.Float32), InlineData(ElementType.Float16), InlineData(ElementType.BFloat16)]
    public void What_was_written_is_read_rounded_to_its_type(ElementType type)
    {
        float[] values = [0, 1, -2.5f, 1.00390625f, 1e-3f, 3.1415927f];
        SafetensorsWriter.Write(_path, [new NamedTensor("a.weight", [2, 3], values), new NamedTensor("b", [6], values)], type, new Dictionary<string, string> { ["by"] = "test" });

        using var file = SafetensorsFile.Open(_path);
        var read = new float[6];
        file.Read("a.weight", 2, 3, read);
        var tolerance = type switch { ElementType.Float32 => 0, ElementType.Float16 => 1f / 2048, _ => 1f / 256 };
        Assert.All(values.Zip(read), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= tolerance * Math.Abs(pair.First)));
        Assert.Throws<ModelFormatException>(() => file.Read("a.weight", 3, 2, read));
        Assert.Throws<ModelFormatException>(() => file.Read("c", 1, 6, read));
    }

    [Fact]
    public void Bfloat16_rounds_to_nearest_even()
    {
        Assert.Equal(0x3F80, ElementConversion.ToBFloat16(1.00390625f));
        Assert.Equal(0x3F82, ElementConversion.ToBFloat16(1.01171875f));
        Assert.Equal(0x3F81, ElementConversion.ToBFloat16(1.0039064f));
        Assert.Equal(0x7F80, ElementConversion.ToBFloat16(float.PositiveInfinity));
        Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)ElementConversion.ToBFloat16(float.NaN) << 16)));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,99]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""")]
    [InlineData("""{"a":{"shape":[2],"data_offsets":[0,8]}}""")]
    [InlineData("""{"a":7}""")]
    [InlineData("""[1,2]""")]
    [InlineData("""{"a":""")]
    public void A_header_that_lies_is_refused_by_name(string header)
    {
        WriteRaw((ulong)Encoding.UTF8.GetByteCount(header), header, new byte[16]);
        Assert.Throws<ModelFormatException>(() => SafetensorsFile.Open(_path));
    }

    [Theory, InlineData(ulong.MaxValue), InlineData(1UL << 40), InlineData(100_000_001UL), InlineData(1000UL)]
    public void A_header_longer_than_the_file_allocates_nothing(ulong length)
    {
        WriteRaw(length, "{}", []);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ModelFormatException>(() => SafetensorsFile.Open(_path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 16);
    }

    [Fact]
    public void Any_changed_or_truncated_file_is_read_or_refused_by_name_with_no_more_memory_than_it_is_long()
    {
        SafetensorsWriter.Write(_path, TensorSet.Zeros(Llama.RandomModel.Shape).ToList(), ElementType.BFloat16);
        var whole = File.ReadAllBytes(_path);
        Gen.Select(Gen.Int[0, 2000], Gen.Byte, Gen.Int[0, whole.Length]).Sample(
            (place, value, length) =>
            {
                var changed = whole[..length];
                if (place < length)
                {
                    changed[place] = value;
                }

                File.WriteAllBytes(_path, changed);
                return ReadsOrRefuses();
            },
            iter: 300,
            threads: 1);
    }

    private bool ReadsOrRefuses()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var file = SafetensorsFile.Open(_path);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 * new FileInfo(_path).Length + (1 << 19));
            TensorSet.Read(Llama.RandomModel.Shape, file);
        }
        catch (ModelFormatException)
        {
            // Refused by name.
        }

        return true;
    }

    private void WriteRaw(ulong length, string header, byte[] data)
    {
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, length);
        File.WriteAllBytes(_path, [.. prefix, .. Encoding.UTF8.GetBytes(header), .. data]);
    }
}
