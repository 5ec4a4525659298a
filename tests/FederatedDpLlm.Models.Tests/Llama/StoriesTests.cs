using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Tests.Llama;

/// <summary>A real checkpoint that others trained, against a float64 reference.</summary>
public sealed class StoriesTests
{
    // Measured for this engine: 7.1e-6; the product promises 1e-4.
    private const float Tolerance = 2e-5f;

    [Fact]
    public void Greedy_decoding_reproduces_the_reference_token_for_token()
    {
        var reference = Stories.Reference();
        var model = LanguageModel.Load(Stories.Checkpoint, tokenizer: Stories.Tokenizer);

        var tokens = Greedy(model, reference.Ids.Length, out var logits);

        Assert.Equal(reference.Ids, tokens);
        Assert.Equal(reference.Text, StreamingTextDecoder.Decode(model.Tokenizer, tokens.Skip(1), trimLeadingSpace: true));
        foreach (var (position, expected) in reference.Logits)
        {
            Assert.All(expected.Zip(logits[position]), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Its_logits_have_the_same_bits_from_safetensors_that_we_wrote(bool tied)
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var checkpoint = Llama2Checkpoint.Open(Stories.Checkpoint);
            var tensors = TensorSet.Read(checkpoint.Configuration, checkpoint).ToList();
            var configuration = checkpoint.Configuration with { TiedHead = tied };
            var embedding = tensors.First(tensor => tensor.Name == TensorNames.Embedding);
            SafetensorsWriter.Write(
                Path.Combine(folder.FullName, SafetensorsFile.FileName),
                tied ? tensors : [.. tensors, embedding with { Name = TensorNames.Head }],
                ElementType.Float32);
            ConfigurationFile.Write(Path.Combine(folder.FullName, ConfigurationFile.FileName), configuration);

            var read = ConfigurationFile.Read(Path.Combine(folder.FullName, ConfigurationFile.FileName));
            using var file = SafetensorsFile.Open(Path.Combine(folder.FullName, SafetensorsFile.FileName));
            var tokenizer = Llama2TokenizerFile.Read(Stories.Tokenizer);
            var ours = new LanguageModel(new LlamaWeights(read, file), tokenizer);
            var theirs = new LanguageModel(new LlamaWeights(checkpoint.Configuration, checkpoint), tokenizer);

            Assert.Equal(Greedy(theirs, 64, out var expected), Greedy(ours, 64, out var actual));
            Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void The_tokenizer_of_the_checkpoint_encodes_what_it_decodes()
    {
        var tokenizer = Llama2TokenizerFile.Read(Stories.Tokenizer);
        var reference = Stories.Reference();

        Assert.Equal(reference.Text, StreamingTextDecoder.Decode(tokenizer, tokenizer.Encode(reference.Text), trimLeadingSpace: true));
        Assert.Equal(" café ☃ \n", StreamingTextDecoder.Decode(tokenizer, tokenizer.Encode(" café ☃ \n"), trimLeadingSpace: true));
    }

    private static List<int> Greedy(LanguageModel model, int length, out List<float[]> logits)
    {
        using var batch = model.OpenBatch([[model.Tokenizer.BeginToken!.Value]], TestContext.Current.CancellationToken);
        var tokens = new List<int> { model.Tokenizer.BeginToken!.Value };
        logits = [batch.Logits(0).ToArray()];
        while (tokens.Count < length)
        {
            tokens.Add(TokenSampler.Largest(batch.Logits(0)));
            batch.Append(tokens[^1], TestContext.Current.CancellationToken);
            logits.Add(batch.Logits(0).ToArray());
        }

        return tokens;
    }
}
