using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Weights;

/// <summary>What makes two models the same: every byte that is read, and nothing else.</summary>
public sealed class ModelDigestTests : IDisposable
{
    private static readonly string[] Read = ["config.json", "tokenizer.json", "model.safetensors"];
    private readonly string _folder = Directory.CreateTempSubdirectory("fedllm-digest-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void The_same_files_have_the_same_digest_whatever_their_folder_is_called_and_whatever_lies_beside_them()
    {
        var (one, other) = (Folder("one", Read), Folder("other", Read));
        File.WriteAllText(Path.Combine(other, "README.md"), "something else");
        Assert.Equal(ModelDigest.Of(one), ModelDigest.Of(other));
        Assert.True(ModelDigest.IsOne(ModelDigest.Of(one)));
    }

    [Theory, InlineData("config.json"), InlineData("tokenizer.json"), InlineData("model.safetensors")]
    public void One_changed_byte_of_what_is_read_is_another_model(string file)
    {
        var (one, other) = (Folder("one", Read), Folder("other", Read));
        File.AppendAllText(Path.Combine(other, file), " ");
        Assert.NotEqual(ModelDigest.Of(one), ModelDigest.Of(other));
    }

    [Fact]
    public void A_part_that_the_index_names_is_read()
    {
        var one = Folder("one", [.. Read, "part-2.safetensors"]);
        File.WriteAllText(Path.Combine(one, "model.safetensors.index.json"), """{"weight_map":{"b":"part-2.safetensors","a":"model.safetensors"}}""");
        var before = ModelDigest.Of(one);
        File.AppendAllText(Path.Combine(one, "part-2.safetensors"), " ");
        Assert.NotEqual(before, ModelDigest.Of(one));
    }

    [Fact]
    public void An_adapter_makes_another_model_and_one_changed_byte_of_it_another_one()
    {
        var model = Folder("model", Read);
        var adapter = Folder("adapter", ["adapter_config.json", "adapter_model.safetensors"]);
        var file = Path.Combine(_folder, "adapter.gguf");
        File.WriteAllText(file, "adapter");
        List<string> digests = [ModelDigest.Of(model), ModelDigest.Of(model, adapter), ModelDigest.Of(model, file)];
        File.AppendAllText(Path.Combine(adapter, "adapter_model.safetensors"), " ");
        File.AppendAllText(file, " ");
        digests.AddRange([ModelDigest.Of(model, adapter), ModelDigest.Of(model, file), ModelDigest.Of(file)]);
        Assert.Distinct(digests);
    }

    [Fact]
    public void Models_behind_servers_are_told_apart_by_their_names_and_their_adapters()
    {
        Assert.Distinct([ModelDigest.OfName("m", null), ModelDigest.OfName("m", "a"), ModelDigest.OfName("n", null)]);
        Assert.Equal(ModelDigest.OfName("m", "a"), ModelDigest.OfName("m", "a"));
    }

    [Theory, InlineData(""), InlineData("0"), InlineData("0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF")]
    public void What_is_no_digest_is_none(string text) => Assert.False(ModelDigest.IsOne(text));

    private string Folder(string name, IEnumerable<string> files)
    {
        var folder = Path.Combine(_folder, name);
        Directory.CreateDirectory(folder);
        foreach (var file in files)
        {
            File.WriteAllText(Path.Combine(folder, file), $"content of {file}");
        }

        return folder;
    }
}
