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
    private const int TableSize = (1 << 20) + 7;
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

    // A table of uniform numbers, read from another place for every tensor: good for timing, good for nothing else.
    private sealed class RandomTensors : ITensorSource
    {
        private readonly float[] _table = new float[TableSize];

        public RandomTensors()
        {
            var state = 1u;
            for (var i = 0; i < TableSize; i++)
            {
                state = unchecked(state * 1664525 + 1013904223);
                _table[i] = ((state >> 8) / (float)(1 << 23) - 1) / 16;
            }
        }

        public bool Contains(string name) => true;

        public void Read(string name, int rows, int columns, Span<float> destination)
        {
            if (rows == 1)
            {
                destination.Fill(1);
                return;
            }

            var at = name.Length * 997 % TableSize;
            while (destination.Length > 0)
            {
                var count = Math.Min(destination.Length, TableSize - at);
                _table.AsSpan(at, count).CopyTo(destination);
                destination = destination[count..];
                at = 0;
            }
        }
    }
}
