using System.Text;
using CsCheck;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Gguf;

namespace FederatedDpLlm.Models.Tests.Weights;

public sealed class GgufTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(_path);

    public static TheoryData<string> Families => ["llama", "wide", "untied", "qwen2", "qwen3", "llama3", "linear"];

    [Theory, MemberData(nameof(Families))]
    public void A_written_model_reads_back_with_the_same_shape_and_the_same_bits(string family)
    {
        var shape = family switch
        {
            "wide" => RandomModel.Shape with { FeedForwardWidth = 7001 },
            "untied" => RandomModel.Shape with { TiedHead = false },
            "qwen2" => RandomModel.Shape with { ModelType = "qwen2", AttentionBias = true },
            "qwen3" => RandomModel.Shape with { ModelType = "qwen3", QueryKeyNorm = true, HeadSize = 16 },
            "llama3" => RandomModel.Shape with { RotaryScaling = new(RotaryScalingKind.Llama3, 32, 1, 4, 8192), RotaryTheta = 500_000 },
            "linear" => RandomModel.Shape with { RotaryScaling = new(RotaryScalingKind.Linear, 2, 1, 1, 0), AttentionBias = true },
            _ => RandomModel.Shape,
        };
        var parameters = RandomModel.Weights(shape);
        foreach (var bias in parameters.Shapes.Where(tensor => tensor.Name.EndsWith("bias", StringComparison.Ordinal)))
        {
            Kernels.MatrixTests.Floats(bias.Elements, 1).Span.CopyTo(parameters[bias.Name].Span);
        }

        Write(shape, parameters, ElementType.Float32);
        using var source = ModelSource.Open(_path);
        Assert.Equivalent(shape with { NormEpsilon = (float)shape.NormEpsilon }, source.Configuration, strict: true);
        var read = TensorSet.Read(source.Configuration, source.Tensors);
        Assert.All(parameters.Shapes, tensor => Assert.Equal(parameters[tensor.Name].Span.ToArray(), read[tensor.Name].Span.ToArray()));
        Assert.Equal(RandomModel.Tokenizer().Encode("a 体 38.5"), source.Tokenizer.Encode("a 体 38.5"));
        Assert.Equal(RandomModel.Tokenizer().ControlToken("<|user|>"), source.Tokenizer.ControlToken("<|user|>"));
        Assert.Equal((0, 1), (source.Tokenizer.BeginToken, source.Tokenizer.EndTokens.Single()));
    }

    [Theory]
    [InlineData(ElementType.BFloat16, ElementType.BFloat16)]
    [InlineData(ElementType.Q8_0, ElementType.Q8_0)]
    [InlineData(ElementType.Q4_0, ElementType.Q4_0)]
    public void A_model_in_a_narrow_type_runs_with_the_bits_of_its_narrowed_tensors(ElementType type, ElementType stored)
    {
        var shape = RandomModel.Shape with { Width = 64, FeedForwardWidth = 128, HeadSize = 16 };
        Write(shape, RandomModel.Weights(shape), type);
        using var source = ModelSource.Open(_path);
        Assert.Equal(stored, source.Tensors.TypeOf(TensorNames.Query(0)));
        var expected = new LanguageModel(new LlamaWeights(shape, new QuantizedTensors(RandomModel.Weights(shape), type)), RandomModel.Tokenizer(), 1);
        using var ours = LanguageModel.Load(_path, 1).OpenBatch([RandomModel.Tokens(40, 1)], Cancellation);
        using var theirs = expected.OpenBatch([RandomModel.Tokens(40, 1)], Cancellation);
        Assert.Equal(theirs.Logits(0), ours.Logits(0));
    }

    [Fact]
    public void A_matrix_whose_rows_are_no_whole_blocks_stays_a_float_matrix()
    {
        Write(RandomModel.Shape, RandomModel.Weights(RandomModel.Shape), ElementType.Q8_0);
        using var source = ModelSource.Open(_path);
        Assert.Equal(ElementType.Float32, source.Tensors.TypeOf(TensorNames.Query(0)));
    }

    [Fact]
    public void Stories_gives_the_same_tokens_and_logits_from_each_of_the_three_formats()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            ModelConversion.ToGguf(Stories.Checkpoint, Stories.Tokenizer, _path, ElementType.Float32, null, Cancellation);
            ModelConversion.ToSafetensors(_path, null, folder.FullName, ElementType.Float32, null, Cancellation);
            var reference = Stories.Reference();
            var models = new[] { LanguageModel.Load(Stories.Checkpoint, 1, Stories.Tokenizer), LanguageModel.Load(_path, 1), LanguageModel.Load(folder.FullName, 1) };
            var prompt = models[0].Tokenizer.Encode(reference.Text);
            Assert.All(models, model => Assert.Equal(prompt, model.Tokenizer.Encode(reference.Text)));
            Assert.All(models, model => Assert.Equal(models[0].Tokenizer.Encode(" café ☃ \n"), model.Tokenizer.Encode(" café ☃ \n")));
            var batches = models.Select(model => model.OpenBatch([[model.Tokenizer.BeginToken!.Value]], Cancellation)).ToList();
            foreach (var id in reference.Ids.Skip(1))
            {
                Assert.All(batches, batch => Assert.Equal(id, TokenSampler.Largest(batch.Logits(0))));
                Assert.All(batches, batch => Assert.Equal(batches[0].Logits(0), batch.Logits(0)));
                batches.ForEach(batch => batch.Append(id, Cancellation));
            }

            batches.ForEach(batch => batch.Dispose());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_cancelled_export_leaves_the_old_file_and_no_other()
    {
        File.WriteAllText(_path, "old");
        Assert.Throws<OperationCanceledException>(() =>
            ModelConversion.ToGguf(FederatedDpLlm.Tests.Shared.Repository.Path("models", "ward-2m"), null, _path, ElementType.Q8_0, null, new CancellationToken(canceled: true)));
        Assert.Equal("old", File.ReadAllText(_path));
        Assert.False(File.Exists(_path + ".part"));
    }

    [Fact]
    public void Any_changed_or_truncated_file_is_read_or_refused_by_name_with_no_more_memory_than_it_is_long()
    {
        var shape = RandomModel.Shape with { Width = 32, FeedForwardWidth = 32, HeadSize = 8, Layers = 1 };
        Write(shape, RandomModel.Weights(shape), ElementType.Q8_0);
        var whole = File.ReadAllBytes(_path);
        var header = 12_000;
        Gen.Select(Gen.Int[0, header], Gen.Byte, Gen.Int[1, 8], Gen.Frequency((3, Gen.Const(whole.Length)), (1, Gen.Int[0, whole.Length]))).Sample(
            (place, value, run, length) =>
            {
                var changed = whole[..length];
                for (var i = place; i < Math.Min(place + run, length); i++)
                {
                    changed[i] = value;
                }

                return ReadsOrRefuses(changed);
            },
            iter: 400,
            threads: 1);
    }

    [Theory]
    [InlineData("4747554603000000FFFFFFFFFFFFFFFF0000000000000000")]
    [InlineData("47475546030000000000000000000000FFFFFFFFFFFFFF7F")]
    [InlineData("474755460300000000000000000000000100000000000000FFFFFFFFFFFFFFFF")]
    [InlineData("4747554603000000000000000000000001000000000000000100000000000000610900000009000000FFFFFFFF00000000")]
    [InlineData("47475546030000000000000000000000010000000000000001000000000000006109000000080000000000000000000010")]
    [InlineData("474755460100000000000000000000000000000000000000")]
    [InlineData("47475546")]
    [InlineData("")]
    public void A_header_that_asks_for_more_than_the_file_has_is_refused(string hex)
    {
        File.WriteAllBytes(_path, Convert.FromHexString(hex));
        Assert.Throws<ModelFormatException>(() => GgufFile.Open(_path));
    }

    [Fact]
    public void Overlapping_unaligned_and_outlying_tensors_are_refused()
    {
        foreach (var offsets in new[] { (0UL, 16UL), (0UL, 100UL), (0UL, 1UL << 40), (ulong.MaxValue - 31, 0UL), (0UL, 0UL) })
        {
            File.WriteAllBytes(_path, TwoTensors(offsets.Item1, offsets.Item2));
            Assert.Throws<ModelFormatException>(() => GgufFile.Open(_path));
        }

        File.WriteAllBytes(_path, TwoTensors(0, 32));
        using var file = GgufFile.Open(_path);
        Assert.Equal(2, file.Tensors.Count());
    }

    [Theory]
    [InlineData("general.architecture", "gptj")]
    [InlineData("tokenizer.ggml.model", "bert")]
    [InlineData("tokenizer.ggml.pre", "unheard-of")]
    public void A_model_of_another_kind_is_refused_by_name(string key, string value)
    {
        var shape = RandomModel.Shape;
        var entries = new List<(string, object)> { ("general.architecture", "llama") };
        entries.AddRange(GgufConfiguration.Write(shape));
        entries.AddRange(GgufTokenizer.Write(RandomModel.Tokenizer(), shape.Vocabulary).Where(entry => entry.Key != "fedllm.tokenizer.patterns"));
        entries.RemoveAll(entry => entry.Item1 == key);
        entries.Add((key, value));
        GgufWriter.Write(_path, entries, [new GgufOutput(GgufNames.Embedding, 262, 40, ElementType.Float32, () => new float[262 * 40])], null, Cancellation);
        Assert.Throws<ModelFormatException>(() => ModelSource.Open(_path));
    }

    private static byte[] TwoTensors(ulong first, ulong second)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write(2UL);
        writer.Write(0UL);
        foreach (var (name, offset) in new[] { ("a", first), ("b", second) })
        {
            writer.Write(1UL);
            writer.Write(Encoding.UTF8.GetBytes(name));
            writer.Write(1u);
            writer.Write(8UL);
            writer.Write(0u);
            writer.Write(offset);
        }

        writer.Write(new byte[128]);
        return stream.ToArray();
    }

    private bool ReadsOrRefuses(byte[] content)
    {
        File.WriteAllBytes(_path, content);
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var file = GgufFile.Open(_path);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8L * content.Length + (1 << 19));
            _ = file.Tokenizer();
            var configuration = file.Configuration;
            if (configuration.Parameters < 1 << 20)
            {
                TensorSet.Read(configuration, file);
            }
        }
        catch (ModelFormatException)
        {
            // Refused by name.
        }

        return true;
    }

    private void Write(ModelConfiguration shape, TensorSet parameters, ElementType type) =>
        GgufModelWriter.Write(_path, "test", shape, parameters, RandomModel.Tokenizer(), type, null, Cancellation);
}
