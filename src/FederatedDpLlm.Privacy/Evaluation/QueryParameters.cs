using System.Text.Json;

namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>The parameters of one query by name.</summary>
internal sealed class QueryParameters(JsonElement json)
{
    public JsonElement Json => json;

    public bool Has(string name) => json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    public double Number(string name) => Has(name) ? Number(json.GetProperty(name)) : throw new QueryException($"parameter '{name}' is missing");

    public double Number(string name, double otherwise) => Has(name) ? Number(name) : otherwise;

    /// <summary>The first of several names that is there.</summary>
    public double NumberOf(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (Has(name))
            {
                return Number(name);
            }
        }

        throw new QueryException($"parameter '{names[0]}' is missing");
    }

    public long Count(string name, long otherwise) => Has(name) ? checked((long)Math.Round(Number(name))) : otherwise;

    public long Count(string name) => Has(name) ? Count(name, 0) : throw new QueryException($"parameter '{name}' is missing");

    public double[] Numbers(string name) => Has(name)
        ? [.. json.GetProperty(name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().Select(Number) : [Number(name)]]
        : throw new QueryException($"parameter '{name}' is missing");

    public string? Text(string name) => Has(name) && json.GetProperty(name).ValueKind == JsonValueKind.String ? json.GetProperty(name).GetString() : null;

    public IEnumerable<QueryParameters> Parts(string name) => json.GetProperty(name).EnumerateArray().Select(part => new QueryParameters(part));

    public QueryParameters Part(string name) => new(json.GetProperty(name));

    public Delta Delta(string name = "delta") => new(Number(name));

    public NeighbouringRelation Relation(NeighbouringRelation otherwise) => Text("neighbouring") switch
    {
        null => otherwise,
        "ADD_OR_REMOVE_ONE" => NeighbouringRelation.AddOrRemoveOne,
        "REPLACE_ONE" => NeighbouringRelation.ReplaceOne,
        "REPLACE_SPECIAL" => NeighbouringRelation.ReplaceByNothing,
        var unknown => throw new QueryException($"neighbouring relation '{unknown}' is unknown"),
    };

    private static double Number(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String when value.GetString() == "Infinity" => double.PositiveInfinity,
        _ => throw new QueryException($"'{value}' is not a number"),
    };
}
