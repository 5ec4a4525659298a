using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Gguf;

namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>Random weights in the shape of a published model, written as GGUF into a temporary folder that goes with the object.</summary>
internal sealed class ShapedModel : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedllm-bench-");

    private ShapedModel(string name, ModelConfiguration shape, ElementType type)
    {
        (Name, Shape, File) = (name, shape, Path.Combine(_folder.FullName, "model.gguf"));
        var preTokenizer = new PreTokenizer([@"\p{N}", PreTokenizer.Gpt2Pattern]);
        var vocabulary = BytePairTrainer.Train([], WardTemplate.ControlTokens, WardTemplate.ControlTokens.Count + 256, preTokenizer);
        var tokenizer = new BytePairTokenizer(vocabulary with { BeginToken = 0, EndTokens = [1] }, preTokenizer);
        GgufModelWriter.Write(File, name, shape, new RandomTensors(), tokenizer, type, null, CancellationToken.None);
    }

    public string Name { get; }

    public ModelConfiguration Shape { get; }

    public string File { get; }

    /// <summary>HuggingFaceTB/SmolLM-135M's shape.</summary>
    public static ShapedModel Small(ElementType type) => new(
        "135M",
        new ModelConfiguration
        {
            Width = 576, FeedForwardWidth = 1536, Layers = 30, Heads = 9, KeyValueHeads = 3, HeadSize = 64, Vocabulary = 49152, Context = 512, TiedHead = true, BeginToken = 0,
            EndTokens = [1],
        },
        type);

    /// <summary>meta-llama/Llama-3.2-1B's shape.</summary>
    public static ShapedModel Large(ElementType type) => new(
        "1.2B",
        new ModelConfiguration
        {
            Width = 2048, FeedForwardWidth = 8192, Layers = 16, Heads = 32, KeyValueHeads = 8, HeadSize = 64, Vocabulary = 128256, Context = 512, TiedHead = true, BeginToken = 0,
            EndTokens = [1],
        },
        type);

    public LanguageModel Load(int threads) => LanguageModel.Load(File, threads);

    public void Dispose() => _folder.Delete(recursive: true);
}
