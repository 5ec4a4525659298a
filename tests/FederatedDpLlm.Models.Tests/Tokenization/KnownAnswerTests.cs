using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights.Gguf;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Models.Tests.Tokenization;

/// <summary>llama.cpp's own tokenizer tests: texts, and the tokens that Hugging Face's tokenizers make of them (ggml-org/llama.cpp, models/ggml-vocab-*.gguf.inp and .out).</summary>
public sealed class KnownAnswerTests
{
    private const string Separator = "\n__ggml_vocab_test__\n";

    [Fact]
    public void Every_text_of_gpt_2_has_its_tokens() => Check(SharedData.Path("models", "ggml-vocab-gpt-2.gguf"));

    [Theory, InlineData("llama-bpe"), InlineData("qwen2"), InlineData("llama-spm")]
    public void Every_text_of_the_families_that_llama_cpp_carries_has_its_tokens(string name)
    {
        var path = Repository.Path("tests", "Judge", "node_modules", ".vocabularies", $"ggml-vocab-{name}.gguf");
        Assert.SkipUnless(File.Exists(path), "needs llama.cpp's tokenizer files from npm (node-llama-cpp 3.22.1); ./test.sh unpacks them where npm and git work");
        Check(path);
    }

    private static void Check(string path)
    {
        using var file = GgufFile.Open(path);
        Check(file.Tokenizer(), path);

        // The same vocabulary as Hugging Face's tokenizer.json.
        var json = Path.GetTempFileName();
        try
        {
            TokenizerFile.Write(json, file.Tokenizer());
            Check(TokenizerFile.Read(json, null, []), path);
        }
        finally
        {
            File.Delete(json);
        }
    }

    private static void Check(ITokenizer tokenizer, string path)
    {
        var texts = File.ReadAllText(path + ".inp").Split(Separator)[..^1];
        var answers = File.ReadAllLines(path + ".out");
        Assert.True(texts.Length == answers.Length && texts.Length > 40, $"{texts.Length} texts, {answers.Length} answers");
        Assert.All(texts.Zip(answers), pair => Assert.Equal(pair.Second.Trim(), string.Join(' ', tokenizer.Encode(pair.First))));
    }
}
