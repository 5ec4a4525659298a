using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary><c>fedllm model export | import | quantize | inspect</c>, as scripts run them.</summary>
public sealed class ModelCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedllm-models-");

    private static string Ward => Repository.Path("models", "ward-2m");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_model_goes_out_and_comes_in_again_and_writes_the_same_tokens_with_progress_on_the_way()
    {
        var (gguf, folder, small) = (At("ward-2m.gguf"), At("ward-2m"), At("ward-2m-q8.gguf"));
        var (code, output, errors) = await Cli.RunAsync("model", "export", "--model", Ward, "--to", gguf, "--json");
        Assert.Equal(0, code);
        var written = Assert.Single(output.TrimEnd().Split('\n'));
        Assert.Equal((gguf, new FileInfo(gguf).Length), (Text(written, "path"), JsonDocument.Parse(written).RootElement.GetProperty("bytes").GetInt64()));
        Assert.True(errors.Split('\n').Count(line => line.Contains("tensors written", StringComparison.Ordinal)) >= 5, errors);
        Assert.Equal(0, (await Cli.RunAsync("model", "import", "--model", gguf, "--to", folder, "--json")).Code);
        Assert.Equal(0, (await Cli.RunAsync("model", "quantize", "--model", gguf, "--to", small, "--type", "q8_0", "--json")).Code);
        Assert.InRange(new FileInfo(small).Length, 1, new FileInfo(gguf).Length / 2);

        var original = await IdsAsync(Ward);
        Assert.Equal(original, await IdsAsync(gguf));
        Assert.Equal(original, await IdsAsync(folder));
        Assert.NotEmpty(await IdsAsync(small));

        var (whole, narrow) = (await InspectAsync(gguf), await InspectAsync(small));
        Assert.Equal("gguf", whole.GetProperty("format").GetString());
        Assert.Equal("safetensors", (await InspectAsync(folder)).GetProperty("format").GetString());
        Assert.Equal(whole.GetProperty("parameters").GetInt64(), narrow.GetProperty("parameters").GetInt64());
        Assert.True(narrow.GetProperty("tensors").GetProperty("Q8_0").GetInt32() > 0);
    }

    [Fact]
    public async Task A_truncated_model_is_an_error_that_names_the_trouble_and_leaves_nothing()
    {
        var (whole, broken, to) = (At("ward-2m.gguf"), At("broken.gguf"), At("out.gguf"));
        Assert.Equal(0, (await Cli.RunAsync("model", "export", "--model", Ward, "--to", whole)).Code);
        var bytes = await File.ReadAllBytesAsync(whole, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(broken, bytes[..(bytes.Length / 2)], TestContext.Current.CancellationToken);
        foreach (var command in new string[][] { ["quantize", "--model", broken, "--to", to, "--json"], ["import", "--model", broken, "--to", to, "--json"], ["inspect", "--model", broken, "--json"] })
        {
            var (code, output, errors) = await Cli.RunAsync(["model", .. command]);
            Assert.Equal(2, code);
            Assert.StartsWith($"{{\"error\":\"fedllm model {command[0]}: ", output, StringComparison.Ordinal);
            Assert.StartsWith($"fedllm model {command[0]}: ", errors, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        }

        Assert.False(File.Exists(to));
        Assert.Equal(2, (await Cli.RunAsync("model", "inspect", "--model", At("nowhere.gguf"))).Code);
    }

    [Theory]
    [InlineData("empty.gguf", "is no GGUF file"), InlineData("overlap", "overlaps another"), InlineData("huge-shape", "impossible shape"), InlineData("long-header", "longer than the file")]
    public async Task A_lying_model_is_refused_in_one_sentence_and_nothing_is_written(string name, string said)
    {
        await LieAsync(name);
        foreach (var command in new string[][] { ["model", "import", "--to", At("out")], ["model", "export", "--to", At("out")], ["generate", "--prompt", "x"] })
        {
            var (code, output, errors) = await Cli.RunAsync([.. command, "--model", At(name)]);
            Assert.Equal((2, string.Empty), (code, output));
            Assert.Contains(said, Assert.Single(errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
            Assert.Equal([At(name)], Directory.GetFileSystemEntries(_folder.FullName));
        }
    }

    [Theory]
    [InlineData("nowhere/out.gguf", "no folder"), InlineData("", "is a folder")]
    public async Task A_place_that_cannot_be_written_is_refused_before_the_work(string to, string said)
    {
        var (code, _, errors) = await Cli.RunAsync("model", "export", "--model", Ward, "--to", At(to));
        Assert.Equal(2, code);
        Assert.Contains(said, Assert.Single(errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.FullName));
    }

    [Fact]
    public async Task A_llama2_c_checkpoint_with_its_tokenizer_is_taken_in_and_goes_out()
    {
        var (checkpoint, tokenizer) = (SharedData.Path("models", "stories260K.bin"), SharedData.Path("models", "tok512.bin"));
        var (folder, gguf) = (At("stories"), At("stories.gguf"));
        Assert.Equal(0, (await Cli.RunAsync("model", "import", "--model", checkpoint, "--tokenizer", tokenizer, "--to", folder)).Code);
        Assert.Equal(0, (await Cli.RunAsync("model", "export", "--model", folder, "--to", gguf)).Code);
        Assert.Equal(await IdsAsync(folder), await IdsAsync(gguf));
        Assert.Contains("tokenizer", (await Cli.RunAsync("model", "import", "--model", checkpoint, "--to", At("none"))).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generate_goes_on_from_a_llama2_c_checkpoint_to_the_references_every_token()
    {
        var reference = JsonDocument.Parse(await File.ReadAllTextAsync(SharedData.Path("models", "stories260K.reference.json"), TestContext.Current.CancellationToken)).RootElement;
        var ids = reference.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()).ToList();
        string[] command = ["generate", "--model", SharedData.Path("models", "stories260K.bin"), "--tokenizer", SharedData.Path("models", "tok512.bin"), "--greedy", "--json"];
        var line = await Cli.JsonAsync([.. command, "--prompt", "", "--tokens", $"{ids.Count - 1}"]);
        Assert.Equal(["promptIds", "ids", "text"], line.EnumerateObject().Select(property => property.Name));
        Assert.Equal([ids[0]], line.GetProperty("promptIds").EnumerateArray().Select(id => id.GetInt32()));
        Assert.Equal(ids, line.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()));
        Assert.Equal(reference.GetProperty("text").GetString(), line.GetProperty("text").GetString());

        var (code, _, errors) = await Cli.RunAsync([.. command, "--prompt", "", "--tokens", "-1"]);
        Assert.Equal(2, code);
        Assert.Contains("--tokens", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_bundled_models_evaluation_is_one_line_with_the_best_possible_answers_beside_it()
    {
        var line = await Cli.JsonAsync(["model", "eval", "--bundled", "--questions", "4", "--json"]);
        Assert.Equal(4, line.GetProperty("questions").GetInt32());
        Assert.InRange(line.GetProperty("accuracy").GetDouble(), 0, 1);
        Assert.InRange(line.GetProperty("bayesOptimal").GetDouble(), 0.01, 1);
    }

    // The bundled model with a header that says what is not so.
    private async Task LieAsync(string name)
    {
        if (name.EndsWith(".gguf", StringComparison.Ordinal))
        {
            await File.WriteAllBytesAsync(At(name), [], TestContext.Current.CancellationToken);
            return;
        }

        Directory.CreateDirectory(At(name));
        foreach (var file in Directory.GetFiles(Ward))
        {
            File.Copy(file, Path.Combine(At(name), Path.GetFileName(file)));
        }

        var weights = Path.Combine(At(name), "model.safetensors");
        var bytes = await File.ReadAllBytesAsync(weights, TestContext.Current.CancellationToken);
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        var header = JsonNode.Parse(bytes.AsSpan(8, length))!.AsObject();
        var second = header.Where(pair => pair.Key != "__metadata__").ElementAt(1).Value!;
        if (name == "overlap")
        {
            var (start, end) = ((long)second["data_offsets"]![0]!, (long)second["data_offsets"]![1]!);
            second["data_offsets"] = new JsonArray(0, end - start);
        }
        else
        {
            second["shape"] = new JsonArray(1L << 32, 1L << 32);
        }

        var written = Encoding.UTF8.GetBytes(header.ToJsonString());
        var prefix = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, name == "long-header" ? long.MaxValue : written.Length);
        await File.WriteAllBytesAsync(weights, [.. prefix, .. written, .. bytes[(8 + length)..]], TestContext.Current.CancellationToken);
    }

    private string At(string name) => Path.Combine(_folder.FullName, name);

    private static string? Text(string json, string name) => JsonDocument.Parse(json).RootElement.GetProperty(name).GetString();

    private static async Task<JsonElement> InspectAsync(string model) => await Cli.JsonAsync(["model", "inspect", "--model", model, "--json"]);

    private static async Task<List<int>> IdsAsync(string model) =>
        [.. (await Cli.JsonAsync(["generate", "--model", model, "--prompt", "Chest pain since", "--tokens", "12", "--greedy", "--json"])).GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
}
