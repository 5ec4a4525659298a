using System.Text.Json;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Models.Tests.Llama;

/// <summary>The stories260K checkpoint and its float64 reference (karpathy/tinyllamas, MIT).</summary>
internal sealed record Stories(int[] Ids, string Text, IReadOnlyDictionary<int, float[]> Logits)
{
    public static string Checkpoint => SharedData.Path("models", "stories260K.bin");

    public static string Tokenizer => SharedData.Path("models", "tok512.bin");

    public static Stories Reference()
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(SharedData.Path("models", "stories260K.reference.json")));
        var root = json.RootElement;
        return new Stories(
            [.. root.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())],
            root.GetProperty("text").GetString()!,
            root.GetProperty("logits").EnumerateObject().ToDictionary(
                position => int.Parse(position.Name, System.Globalization.CultureInfo.InvariantCulture),
                position => position.Value.EnumerateArray().Select(logit => logit.GetSingle()).ToArray()));
    }
}
