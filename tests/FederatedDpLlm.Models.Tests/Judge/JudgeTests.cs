using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;
using FederatedDpLlm.Models.Weights.Gguf;
using FederatedDpLlm.Tests.Judge;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Models.Tests.Judge;

/// <summary>Models that this project exports, run by a real llama.cpp beside this engine.</summary>
public sealed class JudgeTests : IDisposable
{
    private const int Length = 256;
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".gguf");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Every_greedy_token_of_stories_exported_as_floats_is_llama_cpps()
    {
        ModelConversion.ToGguf(Stories.Checkpoint, Stories.Tokenizer, _path, ElementType.Float32, null, Cancellation);
        using var judge = Judge();
        var ours = Greedy(LanguageModel.Load(_path, 1), 1, Length);
        Assert.Equal(Stories.Reference().Ids[..Length], ours);
        Assert.Equal(ours, Greedy(judge, 1, Length));
    }

    [Theory, InlineData("stories"), InlineData("ward-2m")]
    public void A_model_exported_as_q8_0_chooses_llama_cpps_tokens_and_its_perplexity_is_the_same_within_a_thousandth(string name)
    {
        Export(name, ElementType.Q8_0);
        using var judge = Judge();
        var model = LanguageModel.Load(_path, 1);
        var tokens = Greedy(model, model.Tokenizer.BeginToken!.Value, Length + 1);
        var (ours, theirs) = (Logits(model, tokens), Logits(judge, tokens));
        Assert.InRange(Enumerable.Range(0, Length).Count(i => TokenSampler.Largest(ours[i]) == TokenSampler.Largest(theirs[i])), Length - 1, Length);
        Assert.Equal(1, Perplexity(ours, tokens) / Perplexity(theirs, tokens), 0.001);
    }

    [Theory, InlineData(ElementType.Float32), InlineData(ElementType.BFloat16)]
    public void The_bundled_model_exported_without_quantisation_gives_llama_cpps_tokens_and_perplexity(ElementType type)
    {
        Export("ward-2m", type);
        using var judge = Judge();
        var model = LanguageModel.Load(_path, 1);
        var tokens = model.Template.Encode([new("user", "Which department sees most patients with chest pain?")], ["Chest pain since 3 days, 54 years old, sent to cardiology."], 400).ToArray();
        tokens = [.. tokens, .. Greedy(model, tokens, 64)];
        var (ours, theirs) = (Logits(model, tokens), Logits(judge, tokens));

        // llama.cpp rounds the inputs of bfloat16 products to bfloat16; this engine does not.
        var differing = Enumerable.Range(0, tokens.Length).Count(i => TokenSampler.Largest(ours[i]) != TokenSampler.Largest(theirs[i]));
        Assert.InRange(differing, 0, type == ElementType.Float32 ? 0 : tokens.Length / 50);
        Assert.Equal(1, Perplexity(ours, tokens) / Perplexity(theirs, tokens), type == ElementType.Float32 ? 0.001 : 0.02);
    }

    public static TheoryData<string> Families => ["llama", "qwen2", "qwen3", "llama3", "linear", "untied"];

    [Theory, MemberData(nameof(Families))]
    public void The_particulars_of_each_family_are_computed_as_llama_cpp_computes_them(string family)
    {
        var shape = Family(family);
        var parameters = RandomModel.Weights(shape);
        foreach (var bias in parameters.Shapes.Where(tensor => tensor.Name.EndsWith("bias", StringComparison.Ordinal) || tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal)))
        {
            Kernels.MatrixTests.Floats(bias.Elements, (uint)bias.Name.Length).Span.CopyTo(parameters[bias.Name].Span);
        }

        GgufModelWriter.Write(_path, family, shape, parameters, RandomModel.Tokenizer(), ElementType.Float32, null, Cancellation);
        using var judge = Judge();
        var tokens = RandomModel.Tokens(100, 5);
        var (ours, theirs) = (Logits(LanguageModel.Load(_path, 1), tokens), Logits(judge, tokens));
        var largest = theirs.Max(row => row.Max(Math.Abs));
        Assert.All(ours.Zip(theirs), pair => Assert.All(pair.First.Zip(pair.Second), logit => Assert.Equal(logit.First, logit.Second, 1e-3f * largest)));
    }

    // Numbers of llama_ftype; Q4_K_M is the usual mixture, which keeps some matrices as Q6_K.
    [Theory]
    [InlineData(1, new[] { ElementType.Float16 })]
    [InlineData(32, new[] { ElementType.BFloat16 })]
    [InlineData(7, new[] { ElementType.Q8_0 })]
    [InlineData(2, new[] { ElementType.Q4_0, ElementType.Q6_K })]
    [InlineData(15, new[] { ElementType.Q4_K, ElementType.Q6_K })]
    [InlineData(18, new[] { ElementType.Q6_K })]
    public void A_model_that_llama_cpp_quantised_has_here_the_weights_that_llama_cpp_widens_it_to(int type, ElementType[] types)
    {
        const int floats = 0;
        var shape = RandomModel.Shape with { Width = 256, FeedForwardWidth = 512, HeadSize = 64, TiedHead = false };
        var (plain, widened) = (_path + ".plain", _path + ".widened");
        try
        {
            GgufModelWriter.Write(plain, "llama", shape, RandomModel.Weights(shape), RandomModel.Tokenizer(), ElementType.Float32, null, Cancellation);
            LlamaCpp.Quantize(Library(), plain, _path, type);
            LlamaCpp.Quantize(Library(), _path, widened, floats);
            Assert.Equal(types.Order(), ModelConversion.Inspect(_path).Tensors.Keys.Where(held => held != ElementType.Float32).Order());
            Assert.Equal([ElementType.Float32], ModelConversion.Inspect(widened).Tensors.Keys);
            using var quantised = ModelSource.Open(_path);
            using var theirs = ModelSource.Open(widened);
            Assert.All(TensorShape.Of(shape), tensor => Assert.Equal(Read(theirs, tensor), Read(quantised, tensor)));
        }
        finally
        {
            File.Delete(plain);
            File.Delete(widened);
        }

        static float[] Read(ModelSource source, TensorShape tensor)
        {
            var values = new float[tensor.Elements];
            source.Tensors.Read(tensor.Name, tensor.Rows, tensor.Columns, values);
            return values;
        }
    }

    [Theory, InlineData("llama"), InlineData("qwen2")]
    public void An_adapter_exported_beside_its_base_model_changes_llama_cpps_logits_as_ours(string family)
    {
        var shape = Family(family);
        var (parameters, adapter) = (RandomModel.Weights(shape), Weights.AdapterTests.Random(shape, 4));
        var adapterPath = _path + ".adapter";
        try
        {
            GgufModelWriter.Write(_path, family, shape, parameters, RandomModel.Tokenizer(), ElementType.Float32, null, Cancellation);
            GgufAdapter.Write(adapterPath, adapter, shape, Cancellation);
            using var judge = Judge();
            var tokens = RandomModel.Tokens(60, 5);
            var plain = Logits(judge, tokens);
            judge.Adapt(adapterPath);
            var (ours, theirs) = (Logits(LanguageModel.Load(_path, 1, adapter: LoraAdapter.Read(adapterPath)), tokens), Logits(judge, tokens));
            var largest = theirs.Max(row => row.Max(Math.Abs));
            Assert.All(ours.Zip(theirs), pair => Assert.All(pair.First.Zip(pair.Second), logit => Assert.Equal(logit.First, logit.Second, 1e-3f * largest)));
            Assert.True(plain[^1].Zip(theirs[^1]).Max(pair => Math.Abs(pair.First - pair.Second)) > 0.05f * largest);
        }
        finally
        {
            File.Delete(adapterPath);
        }
    }

    [Fact]
    public void Text_becomes_the_tokens_that_llama_cpp_makes_of_it_by_the_exported_tokenizer()
    {
        Export("ward-2m", ElementType.Float32);
        using var judge = Judge();
        var model = LanguageModel.Load(_path, 1);
        foreach (var text in new[] { "Chest pain since 3 days, sent to cardiology.", " temperature 38.5 C\nblood pressure 120/80", "Zürich – 体温", "it's the patient's 2nd visit" })
        {
            Assert.Equal(judge.Tokenize(text), model.Tokenizer.Encode(text));
        }
    }

    private static ModelConfiguration Family(string family)
    {
        var shape = RandomModel.Shape with { Width = 64, FeedForwardWidth = 96, HeadSize = 16 };
        return family switch
        {
            "qwen2" => shape with { ModelType = "qwen2", AttentionBias = true, RotaryTheta = 1e6 },
            "qwen3" => shape with { ModelType = "qwen3", QueryKeyNorm = true, HeadSize = 32, RotaryTheta = 1e6 },
            "llama3" => shape with { RotaryTheta = 500_000, RotaryScaling = new(RotaryScalingKind.Llama3, 8, 1, 4, 8192), TiedHead = false },
            "linear" => shape with { RotaryScaling = new(RotaryScalingKind.Linear, 4, 1, 1, 0) },
            "untied" => shape with { TiedHead = false },
            _ => shape,
        };
    }

    private void Export(string name, ElementType type)
    {
        var (model, tokenizer) = name == "stories" ? (Stories.Checkpoint, Stories.Tokenizer) : (Repository.Path("models", "ward-2m"), null);
        ModelConversion.ToGguf(model, tokenizer, _path, type, null, Cancellation);
    }

    private LlamaCpp Judge() => LlamaCpp.Load(Library(), _path, 1, 512, floatCache: true);

    private static string Library()
    {
        var folder = LlamaCpp.FolderIn(Repository.Root);
        Assert.SkipWhen(folder is null, "needs llama.cpp from npm (node-llama-cpp 3.22.1, Linux x64); ./test.sh installs it where npm works");
        return folder!;
    }

    private static int[] Greedy(LanguageModel model, int begin, int length) => [begin, .. Greedy(model, [begin], length - 1)];

    private static List<int> Greedy(LanguageModel model, int[] prompt, int count)
    {
        using var batch = model.OpenBatch([prompt], Cancellation);
        var tokens = new List<int>();
        while (tokens.Count < count)
        {
            tokens.Add(TokenSampler.Largest(batch.Logits(0)));
            batch.Append(tokens[^1], Cancellation);
        }

        return tokens;
    }

    private static int[] Greedy(LlamaCpp judge, int begin, int length)
    {
        judge.Clear();
        var tokens = new List<int> { begin };
        while (tokens.Count < length)
        {
            judge.Decode([tokens[^1]]);
            tokens.Add(TokenSampler.Largest(judge.Logits()));
        }

        return [.. tokens];
    }

    private static List<float[]> Logits(LanguageModel model, int[] tokens)
    {
        using var batch = model.OpenBatch([tokens[..1]], Cancellation);
        var logits = new List<float[]> { batch.Logits(0).ToArray() };
        foreach (var token in tokens.Skip(1))
        {
            batch.Append(token, Cancellation);
            logits.Add(batch.Logits(0).ToArray());
        }

        return logits;
    }

    private static List<float[]> Logits(LlamaCpp judge, int[] tokens)
    {
        judge.Clear();
        judge.Decode(tokens, everyLogits: true);
        return [.. Enumerable.Range(0, tokens.Length).Select(i => judge.Logits(i).ToArray())];
    }

    private static double Perplexity(List<float[]> logits, int[] tokens) =>
        Math.Exp(-Enumerable.Range(0, tokens.Length - 1).Average(i => LogLikelihood.Of(logits[i], tokens[i + 1])));
}
