using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models.Weights.Adapters;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Private fine-tuning as a process: killed in the middle, it goes on to the same bytes.</summary>
public sealed class TrainCommandTests : IDisposable
{
    private const int Patients = 12;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_training_that_is_killed_goes_on_to_the_same_bytes()
    {
        var records = WriteRecords();
        var whole = await Cli.JsonAsync(Arguments(records, Prepared("whole")));
        Assert.Equal(Patients, whole.GetProperty("patients").GetInt32());
        Assert.InRange(whole.GetProperty("epsilon").GetDouble(), 7, 8);

        var broken = Prepared("broken");
        using (var process = Cli.Start(Arguments(records, broken)))
        {
            string? line;
            do
            {
                line = await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);
            }
            while (line is not null && !line.StartsWith("step 20 of", StringComparison.Ordinal));
            Assert.NotNull(line);
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        Assert.False(File.Exists(Path.Combine(broken, "adapter_model.safetensors")));

        // Twenty steps were noised for a promise of 8: they cannot be part of a promise of 2, nor of one to other patients.
        foreach (var other in new string[][] { [.. Arguments(records, broken), "--epsilon", "2"], Arguments(WriteRecords(patients: Patients - 1), broken) })
        {
            var (refused, _, reason) = await Cli.RunAsync(other);
            Assert.Equal(2, refused);
            Assert.Contains("of a training with another promise", reason, StringComparison.Ordinal);
        }

        var (code, _, errors) = await Cli.RunAsync(Arguments(records, broken));
        Assert.Equal(0, code);
        Assert.DoesNotContain("step 10 of", errors, StringComparison.Ordinal);
        foreach (var file in new[] { "adapter_model.safetensors", "adapter_config.json", "adapter_privacy.json" })
        {
            Assert.Equal(await BytesAsync("whole", file), await BytesAsync("broken", file));
        }

        // The secret that the noise comes from does not outlive the training.
        Assert.False(Directory.Exists(Path.Combine(broken, "checkpoints")));
    }

    [Fact]
    public async Task A_training_that_was_killed_as_it_made_its_secret_begins_anew()
    {
        var output = Path.Combine(_folder.FullName, "begun");
        var checkpoints = Directory.CreateDirectory(Path.Combine(output, "checkpoints"));
        await File.WriteAllTextAsync(Path.Combine(checkpoints.FullName, "secret.part"), "half of it", TestContext.Current.CancellationToken);
        Assert.Equal(Patients, (await Cli.JsonAsync(Arguments(WriteRecords(), output))).GetProperty("patients").GetInt32());
    }

    [Fact]
    public async Task A_trained_adapter_goes_out_as_gguf_and_comes_back_the_same()
    {
        var (trained, gguf, back, again) = (At("trained"), At("adapter.gguf"), At("back"), At("again.gguf"));
        await Cli.JsonAsync([.. Arguments(WriteRecords(), trained).Select(word => word == "60" ? "3" : word)]);
        foreach (var (from, to) in new[] { (trained, gguf), (gguf, back), (back, again) })
        {
            Assert.Equal(to, (await Cli.JsonAsync(["model", "adapter", "--model", BundledModel.Folder, "--adapter", from, "--to", to, "--json"])).GetProperty("path").GetString());
        }

        var (first, last) = (LoraAdapter.Read(trained), LoraAdapter.Read(back));
        Assert.Equal((first.Rank, first.Alpha), (last.Rank, last.Alpha));
        Assert.Equal(first.Matrices.Order(StringComparer.Ordinal), last.Matrices.Order(StringComparer.Ordinal));
        Assert.Equal(await File.ReadAllBytesAsync(gguf, TestContext.Current.CancellationToken), await File.ReadAllBytesAsync(again, TestContext.Current.CancellationToken));

        var (code, _, errors) = await Cli.RunAsync("model", "adapter", "--model", SharedData.Path("models", "stories260K.bin"), "--adapter", trained, "--to", At("none"), "--json");
        Assert.Equal(2, code);
        Assert.Contains("which the model lacks", errors, StringComparison.Ordinal);
    }

    [Theory, InlineData("qwen2"), InlineData("qwen3")]
    public async Task Models_with_biases_or_norms_of_their_own_heads_are_trained_too(string family)
    {
        var (model, trained, gguf) = (QwenOf(family), At("trained"), At("adapter.gguf"));
        var arguments = Arguments(WriteRecords(), trained).Select(word => word == "60" ? "3" : word).ToList();
        arguments[arguments.IndexOf("--model") + 1] = model;
        var result = await Cli.JsonAsync([.. arguments]);
        Assert.InRange(result.GetProperty("epsilon").GetDouble(), 7, 8);
        await Cli.JsonAsync(["model", "adapter", "--model", model, "--adapter", trained, "--to", gguf, "--json"]);
        Assert.Equal(LoraAdapter.Read(trained).Matrices.Order(StringComparer.Ordinal), LoraAdapter.Read(gguf).Matrices.Order(StringComparer.Ordinal));
    }

    [Theory, InlineData("--epsilon", "-1"), InlineData("--sampling-rate", "2"), InlineData("--rank", "99"), InlineData("--records", "nowhere.jsonl"), InlineData("--model", "nowhere")]
    public async Task What_cannot_be_done_is_refused_with_a_reason(string option, string value)
    {
        var arguments = Arguments(WriteRecords(), Path.Combine(_folder.FullName, "refused")).ToList();
        var place = arguments.IndexOf(option);
        if (place >= 0)
        {
            arguments[place + 1] = value;
        }
        else
        {
            arguments.AddRange([option, value]);
        }

        var (code, output, errors) = await Cli.RunAsync(arguments);
        Assert.Equal(2, code);
        Assert.StartsWith("{\"error\":\"fedllm train: ", output, StringComparison.Ordinal);
        Assert.Contains("fedllm train: ", errors, StringComparison.Ordinal);
    }

    // The bundled model with a family's own vectors behind its tensors: biases of 0.1, gains of 1.
    private string QwenOf(string family)
    {
        var (from, to) = (Repository.Path("models", "ward-2m"), Directory.CreateDirectory(At(family)).FullName);
        File.Copy(Path.Combine(from, "tokenizer.json"), Path.Combine(to, "tokenizer.json"));
        var configuration = JsonNode.Parse(File.ReadAllText(Path.Combine(from, "config.json")))!;
        (configuration["model_type"], configuration["attention_bias"]) = (family, family == "qwen2");
        File.WriteAllText(Path.Combine(to, "config.json"), configuration.ToJsonString());

        int Size(string name) => configuration[name]!.GetValue<int>();
        var (heads, shared) = (Size("num_attention_heads") * Size("head_dim"), Size("num_key_value_heads") * Size("head_dim"));
        (string Name, int Length, float Value)[] vectors = family == "qwen2"
            ? [("q_proj.bias", heads, 0.1f), ("k_proj.bias", shared, 0.1f), ("v_proj.bias", shared, 0.1f)]
            : [("q_norm.weight", Size("head_dim"), 1), ("k_norm.weight", Size("head_dim"), 1)];
        var file = File.ReadAllBytes(Path.Combine(from, "model.safetensors"));
        var data = 8 + (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        var header = JsonNode.Parse(file.AsSpan(8, data - 8))!;
        var tail = new List<byte>();
        foreach (var (name, length, value) in Enumerable.Range(0, Size("num_hidden_layers")).SelectMany(layer => vectors.Select(vector => vector with { Name = $"model.layers.{layer}.self_attn.{vector.Name}" })))
        {
            var first = file.Length - data + tail.Count;
            header[name] = new JsonObject { ["dtype"] = "F32", ["shape"] = new JsonArray(length), ["data_offsets"] = new JsonArray(first, first + (length * sizeof(float))) };
            tail.AddRange(Enumerable.Repeat(value, length).SelectMany(BitConverter.GetBytes));
        }

        var text = Encoding.UTF8.GetBytes(header.ToJsonString());
        text = [.. text, .. Enumerable.Repeat((byte)' ', (8 - (text.Length % 8)) % 8)];
        File.WriteAllBytes(Path.Combine(to, "model.safetensors"), [.. BitConverter.GetBytes((long)text.Length), .. text, .. file.AsSpan(data), .. tail]);
        return to;
    }

    private string At(string name) => Path.Combine(_folder.FullName, name);

    private static string[] Arguments(string records, string output) =>
        ["train", "--records", records, "--out", output, "--model", Repository.Path("models", "ward-2m"), "--steps", "60", "--sampling-rate", "0.3", "--rank", "4", "--json"];

    // The secret is given here, so that two trainings can be compared; the command draws one where there is none.
    private string Prepared(string name)
    {
        var output = Path.Combine(_folder.FullName, name);
        Directory.CreateDirectory(Path.Combine(output, "checkpoints"));
        File.WriteAllBytes(Path.Combine(output, "checkpoints", "secret"), [.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
        return output;
    }

    private string WriteRecords(int patients = Patients)
    {
        var path = Path.Combine(_folder.FullName, $"records-{patients}.jsonl");
        File.WriteAllLines(path, Enumerable.Range(0, 2 * patients).Select(number => JsonSerializer.Serialize(new { patientId = $"P{number / 2}", text = $"Visit {number}: cough and fever." })));
        return path;
    }

    private async Task<byte[]> BytesAsync(string folder, string file) =>
        await File.ReadAllBytesAsync(Path.Combine(_folder.FullName, folder, file), TestContext.Current.CancellationToken);
}
