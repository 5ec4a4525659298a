using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FederatedDpLlm.Models.Serving.Constraints.Json;

/// <summary>What JSON has to look like: the part of JSON Schema (draft 2020-12) that says types, properties, items and enumerations.</summary>
public abstract record JsonShape
{
    private const int DeepestSchema = 16;
    private const int MostParts = 1024;
    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "type", "properties", "required", "additionalProperties", "items", "enum", "const", "title", "description", "$schema", "$id",
    };

    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private JsonShape(int shortest) => Shortest = shortest;

    /// <summary>Any JSON, at most 32 levels deep.</summary>
    public static JsonShape Any { get; } = new Anything();

    /// <summary>Any object, at most 32 levels deep.</summary>
    public static JsonShape AnyObject { get; } = new AnyMembers();

    /// <summary>Bytes of the shortest text of this shape: an answer has at least as many tokens to give.</summary>
    public int Shortest { get; }

    /// <summary>Reads a schema. Objects get all of the properties that are named, in their order, and no others.</summary>
    /// <exception cref="NotSupportedException">The schema says something that is not enforced; ignoring it would promise what is not kept.</exception>
    public static JsonShape Parse(JsonElement schema)
    {
        var parts = 0;
        return Parse(schema, 0, ref parts);
    }

    private static JsonShape Parse(JsonElement schema, int depth, ref int parts)
    {
        Demand(depth <= DeepestSchema && ++parts <= MostParts, $"A schema is at most {DeepestSchema} levels deep and has at most {MostParts} parts.");
        if (schema.ValueKind == JsonValueKind.True)
        {
            return Any;
        }

        Demand(schema.ValueKind == JsonValueKind.Object, "A schema is an object.");
        foreach (var member in schema.EnumerateObject())
        {
            Demand(Known.Contains(member.Name), $"The schema's keyword '{member.Name}' is not enforced here: leave it out, and check the answer.");
        }

        var types = TypesOf(schema);
        if (schema.TryGetProperty("const", out var constant))
        {
            return Enumeration([constant], types);
        }

        if (schema.TryGetProperty("enum", out var values))
        {
            Demand(values.ValueKind == JsonValueKind.Array, "'enum' is an array.");
            return Enumeration([.. values.EnumerateArray()], types);
        }

        if (types is null)
        {
            Demand(!schema.TryGetProperty("properties", out _) && !schema.TryGetProperty("items", out _), "'properties' and 'items' need their 'type'.");
            return Any;
        }

        var shapes = new List<JsonShape>();
        foreach (var type in types)
        {
            shapes.Add(OfType(type, schema, depth, ref parts));
        }

        return shapes.Count == 1 ? shapes[0] : new Either(shapes);
    }

    private static List<string>? TypesOf(JsonElement schema)
    {
        if (!schema.TryGetProperty("type", out var type))
        {
            return null;
        }

        List<JsonElement> named = type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray()] : [type];
        Demand(named.Count > 0 && named.TrueForAll(one => one.ValueKind == JsonValueKind.String), "'type' is a name, or an array of names.");
        var names = named.ConvertAll(one => one.GetString()!);
        Demand(names.Distinct(StringComparer.Ordinal).Count() == names.Count && !(names.Contains("integer") && names.Contains("number")), "Several types of a value differ.");
        return names;
    }

    private static JsonShape OfType(string type, JsonElement schema, int depth, ref int parts) => type switch
    {
        "string" => new Text(),
        "number" => new Number(false),
        "integer" => new Number(true),
        "boolean" => new OneOf(["true"u8.ToArray(), "false"u8.ToArray()]),
        "null" => new OneOf(["null"u8.ToArray()]),
        "array" => new Items(schema.TryGetProperty("items", out var items) ? Parse(items, depth + 1, ref parts) : Any),
        "object" => schema.TryGetProperty("properties", out var members) ? Object(schema, members, depth, ref parts) : Object(schema),
        _ => throw new NotSupportedException("'type' is one of string, number, integer, boolean, null, array, object."),
    };

    private static JsonShape Object(JsonElement schema)
    {
        Demand(!schema.TryGetProperty("required", out var required) || (required.ValueKind == JsonValueKind.Array && required.GetArrayLength() == 0), "What is 'required' has to be among the 'properties'.");
        return AnyObject;
    }

    private static Members Object(JsonElement schema, JsonElement members, int depth, ref int parts)
    {
        Demand(members.ValueKind == JsonValueKind.Object, "'properties' is an object.");
        var all = new List<(byte[] Key, JsonShape Shape)>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in members.EnumerateObject())
        {
            Demand(names.Add(member.Name), $"The property '{member.Name}' is named twice.");
            all.Add((Literal(member.Name), Parse(member.Value, depth + 1, ref parts)));
        }

        Demand(
            !schema.TryGetProperty("required", out var required)
                || (required.ValueKind == JsonValueKind.Array && required.EnumerateArray().All(one => one.ValueKind == JsonValueKind.String && names.Contains(one.GetString()!))),
            "What is 'required' has to be among the 'properties'.");
        return new Members(all);
    }

    private static OneOf Enumeration(IReadOnlyList<JsonElement> values, IReadOnlyList<string>? types)
    {
        var literals = values.Where(value => types is null || types.Any(type => IsOfType(value, type))).Select(Literal).DistinctBy(Convert.ToHexString).ToList();
        Demand(literals.Count is > 0 and <= MostParts, $"'enum' and 'const' hold 1 to {MostParts} values of the type.");
        return new OneOf(literals);
    }

    private static bool IsOfType(JsonElement value, string type) => (value.ValueKind, type) switch
    {
        (JsonValueKind.String, "string") or (JsonValueKind.Number, "number") or (JsonValueKind.Null, "null") or (JsonValueKind.True or JsonValueKind.False, "boolean") => true,
        (JsonValueKind.Number, "integer") => value.TryGetInt64(out _),
        _ => false,
    };

    private static byte[] Literal(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object or JsonValueKind.Array => throw new NotSupportedException("'enum' and 'const' hold texts, numbers, booleans or null."),
        JsonValueKind.String => Literal(value.GetString()!),
        _ => Encoding.UTF8.GetBytes(value.GetRawText()),
    };

    private static byte[] Literal(string text) => JsonSerializer.SerializeToUtf8Bytes(text, Compact);

    private static void Demand(bool holds, string message)
    {
        if (!holds)
        {
            throw new NotSupportedException(message);
        }
    }

    internal sealed record Anything() : JsonShape(1);

    internal sealed record AnyMembers() : JsonShape(2);

    internal sealed record Text() : JsonShape(2);

    internal sealed record Number(bool IsWhole) : JsonShape(1);

    internal sealed record OneOf(IReadOnlyList<byte[]> Literals) : JsonShape(Literals.Min(literal => literal.Length));

    internal sealed record Items(JsonShape Each) : JsonShape(2);

    internal sealed record Either(IReadOnlyList<JsonShape> Shapes) : JsonShape(Shapes.Min(shape => shape.Shortest));

    // Braces, and of each member its key, a colon, its value, a comma but for the last.
    internal sealed record Members(IReadOnlyList<(byte[] Key, JsonShape Shape)> All)
        : JsonShape(2 + Math.Max(0, All.Count - 1) + All.Sum(member => member.Key.Length + 1 + member.Shape.Shortest));
}
