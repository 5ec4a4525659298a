using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Llama;

/// <summary>The shapes that published checkpoints declare (figures of their config.json), and the numbers of parameters that their model cards state.</summary>
public sealed class PublishedModelTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedllm-published-");

    private string Configuration => Path.Combine(_folder.FullName, ConfigurationFile.FileName);

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("Llama-2-7b", 6_738_415_616, 4096, "llama", """
        "hidden_size":4096,"intermediate_size":11008,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":32,"vocab_size":32000,"max_position_embeddings":4096,
        "rms_norm_eps":1e-05,"rope_scaling":null,"tie_word_embeddings":false,"bos_token_id":1,"eos_token_id":2
        """)]
    [InlineData("Llama-3.1-8B-Instruct", 8_030_261_248, 131072, "llama", """
        "hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":128256,"max_position_embeddings":131072,
        "rms_norm_eps":1e-05,"rope_theta":500000.0,"rope_scaling":{"factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},
        "attention_bias":false,"mlp_bias":false,"tie_word_embeddings":false,"bos_token_id":128000,"eos_token_id":[128001,128008,128009]
        """)]
    [InlineData("Llama-3.2-1B", 1_235_814_400, 131072, "llama", """
        "hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":16,"num_attention_heads":32,"num_key_value_heads":8,"head_dim":64,"vocab_size":128256,"max_position_embeddings":131072,
        "rms_norm_eps":1e-05,"rope_theta":500000.0,"rope_scaling":{"factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},
        "tie_word_embeddings":true,"bos_token_id":128000,"eos_token_id":128001
        """)]
    [InlineData("Mistral-7B-v0.1", 7_241_732_096, 4096, "mistral", """
        "hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":32000,"max_position_embeddings":32768,
        "rms_norm_eps":1e-05,"rope_theta":10000.0,"sliding_window":4096,"tie_word_embeddings":false,"bos_token_id":1,"eos_token_id":2
        """)]
    [InlineData("Mistral-7B-Instruct-v0.3", 7_248_023_552, 32768, "mistral", """
        "hidden_size":4096,"intermediate_size":14336,"num_hidden_layers":32,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":32768,"max_position_embeddings":32768,
        "rms_norm_eps":1e-05,"rope_theta":1000000.0,"sliding_window":null,"tie_word_embeddings":false,"bos_token_id":1,"eos_token_id":2
        """)]
    [InlineData("Qwen2-0.5B", 494_032_768, 131072, "qwen2", """
        "hidden_size":896,"intermediate_size":4864,"num_hidden_layers":24,"num_attention_heads":14,"num_key_value_heads":2,"vocab_size":151936,"max_position_embeddings":131072,
        "rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":131072,"use_sliding_window":false,"max_window_layers":24,"tie_word_embeddings":true,"bos_token_id":151643,"eos_token_id":151643
        """)]
    [InlineData("Qwen2.5-7B-Instruct", 7_615_616_512, 32768, "qwen2", """
        "hidden_size":3584,"intermediate_size":18944,"num_hidden_layers":28,"num_attention_heads":28,"num_key_value_heads":4,"vocab_size":152064,"max_position_embeddings":32768,
        "rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":131072,"use_sliding_window":false,"tie_word_embeddings":false,"bos_token_id":151643,"eos_token_id":151645
        """)]
    [InlineData("Qwen3-0.6B", 596_049_920, 40960, "qwen3", """
        "hidden_size":1024,"intermediate_size":3072,"num_hidden_layers":28,"num_attention_heads":16,"num_key_value_heads":8,"head_dim":128,"vocab_size":151936,"max_position_embeddings":40960,
        "rms_norm_eps":1e-06,"rope_theta":1000000,"rope_scaling":null,"attention_bias":false,"sliding_window":null,"use_sliding_window":false,"tie_word_embeddings":true,
        "bos_token_id":151643,"eos_token_id":151645
        """)]
    [InlineData("SmolLM2-135M", 134_515_008, 8192, "llama", """
        "hidden_size":576,"intermediate_size":1536,"num_hidden_layers":30,"num_attention_heads":9,"num_key_value_heads":3,"vocab_size":49152,"max_position_embeddings":8192,
        "rms_norm_eps":1e-05,"rope_theta":100000,"rope_interleaved":false,"rope_scaling":null,"attention_bias":false,"tie_word_embeddings":true,"bos_token_id":0,"eos_token_id":0
        """)]
    public void A_published_configuration_is_read_with_the_published_number_of_parameters(string name, long parameters, int context, string type, string settings)
    {
        File.WriteAllText(Configuration, $"{{\"model_type\":\"{type}\",\"hidden_act\":\"silu\",{settings}}}");
        var shape = ConfigurationFile.Read(Configuration);
        Assert.True(parameters == shape.Parameters, $"{name} has {parameters} parameters, not {shape.Parameters}");
        Assert.Equal(parameters, TensorShape.Of(shape).Sum(tensor => (long)tensor.Elements));
        Assert.Equal((type, context, type == "qwen2", type == "qwen3"), (shape.ModelType, shape.Context, shape.AttentionBias, shape.QueryKeyNorm));
        ConfigurationFile.Write(Configuration, shape);
        Assert.Equivalent(shape, ConfigurationFile.Read(Configuration), strict: true);
    }

    [Theory]
    [InlineData("model.layers.0.self_attn.o_proj.bias")]
    [InlineData("model.layers.1.mlp.up_proj.bias")]
    [InlineData("model.layers.0.self_attn.q_proj.bias")]
    [InlineData("model.layers.0.self_attn.q_norm.weight")]
    [InlineData("model.layers.0.pre_feedforward_layernorm.weight")]
    public void A_tensor_that_would_go_unread_and_change_every_answer_is_refused_by_name(string extra)
    {
        WriteModel(extra);
        var refusal = Assert.Throws<ModelFormatException>(() => ModelSource.Open(_folder.FullName));
        Assert.Contains(extra, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_in_parts_has_the_logits_of_the_whole()
    {
        WriteModel("model.layers.0.self_attn.rotary_emb.inv_freq");
        var tokens = RandomModel.Tokens(20, 3);
        using var parts = LanguageModel.Load(_folder.FullName, 1).OpenBatch([tokens], TestContext.Current.CancellationToken);
        using var whole = RandomModel.Create().OpenBatch([tokens], TestContext.Current.CancellationToken);
        Assert.Equal(whole.Logits(0), parts.Logits(0));
    }

    [Fact]
    public void Tensors_that_only_repeat_what_is_known_may_be_there()
    {
        WriteModel("model.layers.0.self_attn.rotary_emb.inv_freq");
        using var source = ModelSource.Open(_folder.FullName);
        Assert.Equal(RandomModel.Shape.Layers, source.Configuration.Layers);
    }

    // In two parts with an index, as large checkpoints are published.
    private void WriteModel(string extra)
    {
        string At(string name) => Path.Combine(_folder.FullName, name);
        var weights = RandomModel.Weights(RandomModel.Shape);
        var tensors = weights.Shapes.Select(tensor => new NamedTensor(tensor.Name, tensor.Dimensions, weights[tensor.Name].Span.ToArray()))
            .Append(new NamedTensor(extra, [4], new float[] { 1, 2, 3, 4 })).ToList();
        var map = new System.Text.Json.Nodes.JsonObject();
        foreach (var (part, held) in new[] { ("model-00001-of-00002.safetensors", tensors[..9]), ("model-00002-of-00002.safetensors", tensors[9..]) })
        {
            SafetensorsWriter.Write(At(part), held, ElementType.Float32);
            held.ForEach(tensor => map.Add(tensor.Name, part));
        }

        File.WriteAllText(At(SafetensorsFolder.IndexName), new System.Text.Json.Nodes.JsonObject { ["weight_map"] = map }.ToJsonString());
        TokenizerFile.Write(At(TokenizerFile.FileName), RandomModel.Tokenizer());
        ConfigurationFile.Write(At(ConfigurationFile.FileName), RandomModel.Shape);
    }
}
