using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Weights;

public sealed class HostileModelTests : IDisposable
{
    private const string Good = """
        {"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"vocab_size":100,
         "max_position_embeddings":64,"rms_norm_eps":1e-5,"rope_theta":500000.0,"tie_word_embeddings":true,"hidden_act":"silu","eos_token_id":[2,3],
         "rope_scaling":{"rope_type":"llama3","factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192}}
        """;

    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void A_published_configuration_is_read_and_written_back()
    {
        File.WriteAllText(_path, Good);
        var read = ConfigurationFile.Read(_path);
        Assert.Equal((16, 2, RotaryScalingKind.Llama3, 32.0), (read.HeadSize, read.KeyValueHeads, read.RotaryScaling.Kind, read.RotaryScaling.Factor));
        Assert.Equal([2, 3], read.EndTokens);
        ConfigurationFile.Write(_path, read);
        Assert.Equivalent(read, ConfigurationFile.Read(_path), strict: true);
    }

    [Theory]
    [InlineData("\"hidden_size\":64", "\"hidden_size\":0")]
    [InlineData("\"hidden_size\":64", "\"hidden_size\":2147483647")]
    [InlineData("\"num_hidden_layers\":2", "\"num_hidden_layers\":-1")]
    [InlineData("\"num_key_value_heads\":2", "\"num_key_value_heads\":3")]
    [InlineData("\"num_attention_heads\":4", "\"num_attention_heads\":0")]
    [InlineData("\"vocab_size\":100", "\"vocab_size\":\"many\"")]
    [InlineData("\"eos_token_id\":[2,3]", "\"eos_token_id\":100")]
    [InlineData("\"rms_norm_eps\":1e-5", "\"rms_norm_eps\":-1")]
    [InlineData("\"hidden_act\":\"silu\"", "\"hidden_act\":\"gelu\"")]
    [InlineData("\"model_type\":\"llama\"", "\"model_type\":\"mamba\"")]
    [InlineData("\"rope_type\":\"llama3\"", "\"rope_type\":\"yarn\"")]
    [InlineData("{\"model_type\"", "[{\"model_type\"")]
    public void A_configuration_that_cannot_be_is_refused_by_name(string part, string instead)
    {
        File.WriteAllText(_path, Good.Replace(part, instead, StringComparison.Ordinal));
        Assert.Throws<ModelFormatException>(() => ConfigurationFile.Read(_path));
    }

    [Theory]
    [InlineData(64, 172, 5, 8, 4, 512, 512)]
    [InlineData(1 << 19, 1 << 19, 1 << 19, 8, 4, 512, 512)]
    [InlineData(64, 172, 5, 0, 4, 512, 512)]
    [InlineData(64, 172, 5, 8, 4, int.MinValue, 512)]
    [InlineData(-64, 172, 5, 8, 4, 512, 512)]
    public void A_checkpoint_shorter_than_its_header_says_is_refused_before_anything_is_allocated(params int[] header)
    {
        File.WriteAllBytes(_path, [.. header.SelectMany(BitConverter.GetBytes), .. new byte[1000]]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ModelFormatException>(() => Llama2Checkpoint.Open(_path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 16);
    }

    [Theory]
    [InlineData("""{"model":{"type":"Unigram","vocab":[]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":-5},"merges":[]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":2000000000},"merges":[]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":["a"]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"("}}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Bert"}}""")]
    [InlineData("""{}""")]
    public void A_tokenizer_that_cannot_be_is_refused_by_name(string json)
    {
        File.WriteAllText(_path, json);
        Assert.Throws<ModelFormatException>(() => TokenizerFile.Read(_path, null, []));
    }
}
