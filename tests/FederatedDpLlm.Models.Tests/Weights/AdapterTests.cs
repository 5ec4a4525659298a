using System.Text.Json.Nodes;
using CsCheck;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;

namespace FederatedDpLlm.Models.Tests.Weights;

public sealed class AdapterTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    private string Gguf => Path.Combine(_folder.FullName, "adapter.gguf");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory, InlineData(1), InlineData(4)]
    public void An_adapter_survives_both_formats_bit_for_bit(int rank)
    {
        var adapter = Random(RandomModel.Shape, rank);
        PeftAdapter.Write(_folder.FullName, adapter, "ward-2m");
        GgufAdapter.Write(Gguf, adapter, RandomModel.Shape, TestContext.Current.CancellationToken);
        foreach (var read in new[] { LoraAdapter.Read(_folder.FullName), LoraAdapter.Read(Gguf) })
        {
            Assert.Equal((adapter.Rank, adapter.Alpha), (read.Rank, read.Alpha));
            Assert.Equivalent(adapter.Modules.OrderBy(module => module.Matrix), read.Modules.OrderBy(module => module.Matrix), strict: true);
        }
    }

    [Fact]
    public void A_merged_matrix_is_the_base_plus_the_scaled_product_of_the_factors()
    {
        var (parameters, adapter) = (RandomModel.Weights(RandomModel.Shape), Random(RandomModel.Shape, 3));
        var module = adapter.Modules[1];
        var merged = new float[module.Outputs * module.Inputs];
        new AdaptedTensors(parameters, adapter).Read(module.Matrix, module.Outputs, module.Inputs, merged);
        var plain = parameters[module.Matrix].Span.ToArray();
        for (var i = 0; i < merged.Length; i++)
        {
            var (row, column) = (i / module.Inputs, i % module.Inputs);
            var product = Enumerable.Range(0, 3).Sum(k => (double)module.B[row * 3 + k] * module.A[k * module.Inputs + column]);
            Assert.Equal(plain[i] + adapter.Alpha / 3 * product, merged[i], 1e-5);
        }

        Assert.Throws<ModelFormatException>(() => new AdaptedTensors(parameters, new LoraAdapter(1, 1, [new LoraModule("model.layers.9.mlp.up_proj.weight", 1, 1, [0], [0])])));
    }

    [Theory]
    [InlineData("r", 8)]
    [InlineData("r", 0)]
    [InlineData("r", 2_000_000_000)]
    [InlineData("peft_type", "IA3")]
    [InlineData("use_dora", true)]
    [InlineData("bias", "all")]
    [InlineData("lora_alpha", "much")]
    public void A_configuration_that_does_not_fit_or_is_of_another_kind_is_refused(string key, object value)
    {
        PeftAdapter.Write(_folder.FullName, Random(RandomModel.Shape, 4), "ward-2m");
        var path = Path.Combine(_folder.FullName, PeftAdapter.ConfigurationName);
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        json[key] = value switch { int number => number, bool flag => flag, _ => (string)value };
        File.WriteAllText(path, json.ToJsonString());
        Assert.Throws<ModelFormatException>(() => LoraAdapter.Read(_folder.FullName));
    }

    [Fact]
    public void Any_changed_or_truncated_adapter_is_read_or_refused_by_name()
    {
        GgufAdapter.Write(Gguf, Random(RandomModel.Shape, 2), RandomModel.Shape, TestContext.Current.CancellationToken);
        PeftAdapter.Write(_folder.FullName, Random(RandomModel.Shape, 2), "ward-2m");
        var weights = Path.Combine(_folder.FullName, PeftAdapter.WeightsName);
        foreach (var (path, target) in new[] { (Gguf, Gguf), (weights, _folder.FullName) })
        {
            var whole = File.ReadAllBytes(path);
            Gen.Select(Gen.Int[0, 2500], Gen.Byte, Gen.Frequency((3, Gen.Const(whole.Length)), (1, Gen.Int[0, whole.Length]))).Sample(
                (place, value, length) =>
                {
                    var changed = whole[..length];
                    if (place < length)
                    {
                        changed[place] = value;
                    }

                    File.WriteAllBytes(path, changed);
                    try
                    {
                        LoraAdapter.Read(target);
                    }
                    catch (ModelFormatException)
                    {
                        // Refused by name.
                    }
                },
                iter: 200,
                threads: 1);
        }
    }

    internal static LoraAdapter Random(ModelConfiguration shape, int rank)
    {
        var tensors = TensorShape.Of(shape).Where(tensor => tensor.Name.Contains("_proj.weight", StringComparison.Ordinal)).ToList();
        return new LoraAdapter(rank, 2 * rank, [.. tensors.Select((tensor, i) => new LoraModule(
            tensor.Name, tensor.Rows, tensor.Columns,
            [.. Kernels.MatrixTests.Floats(rank * tensor.Columns, (uint)i + 1).Span.ToArray().Select(value => value / 4)],
            [.. Kernels.MatrixTests.Floats(rank * tensor.Rows, (uint)i + 1000).Span.ToArray().Select(value => value / 4)]))]);
    }
}
