using System.Text.Json;

namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>
/// Reads a server's JSON, which is of any form until looked at: what is absent or of another kind is null or empty, and so is a text that is none (half of a
/// surrogate pair, which servers write for part of a character).
/// </summary>
internal static class EngineJson
{
    public static JsonElement? Property(this JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && Readable(() => parent.TryGetProperty(name, out var value) ? value : (JsonElement?)null) is { ValueKind: not JsonValueKind.Null } found ? found : null;

    public static string? Text(this JsonElement parent, string name) => parent.Property(name) is { ValueKind: JsonValueKind.String } text ? Readable(text.GetString) : null;

    /// <summary>The members of an object whose names are texts.</summary>
    public static IEnumerable<(string Name, JsonElement Value)> Members(this JsonElement map) =>
        map.ValueKind == JsonValueKind.Object ? map.EnumerateObject().Select(member => (Name: Readable(() => member.Name)!, member.Value)).Where(member => member.Name is not null) : [];

    public static bool IsTrue(this JsonElement parent, string name) => parent.Property(name) is { ValueKind: JsonValueKind.True };

    /// <summary>A whole number of at least 0.</summary>
    public static int? Count(this JsonElement parent, string name) => parent.Property(name) is { } value ? value.AsCount() : null;

    /// <summary>A whole number of at least 0.</summary>
    public static int? AsCount(this JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count >= 0 ? count : null;

    public static double? Number(this JsonElement parent, string name) => parent.Property(name) is { } value ? value.AsNumber() : null;

    public static double? AsNumber(this JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number : null;

    public static IEnumerable<JsonElement> Items(this JsonElement parent, string name) => parent.Property(name) is { } list ? list.AsItems() : [];

    public static IEnumerable<JsonElement> AsItems(this JsonElement list) => list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : [];

    /// <summary>A stream's line as JSON.</summary>
    /// <exception cref="EngineException">It is none.</exception>
    public static JsonElement Parse(ReadOnlyMemory<char> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new EngineException(EngineFault.Malformed, "The engine's stream is no JSON.");
        }
    }

    public static EngineException Lacks(string missing) => new(EngineFault.Malformed, $"The engine's answer lacks {missing}.");

    // What JsonElement throws for a text, or a name that it has to read on its way to another, that is no UTF-16.
    private static T? Readable<T>(Func<T?> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            return default;
        }
    }
}
