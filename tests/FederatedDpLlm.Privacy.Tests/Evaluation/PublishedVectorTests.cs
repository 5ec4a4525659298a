using System.Text.Json;
using FederatedDpLlm.Privacy.Evaluation;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Privacy.Tests.Evaluation;

/// <summary>Every numeric vector of the published collection, within its own tolerance.</summary>
public sealed class PublishedVectorTests
{
    // The one named deviation: at order 1.5 this vector repeats a reference library's over-estimate at fractional orders (by 3 %), which the collection itself lists among that library's known
    // defects, against its other vectors, which give exact values. SampledGaussianRenyiTests brackets the exact value rigorously, to 12 digits.
    private const string OverEstimated = "sgm_rdp_vector_T50";

    public static TheoryData<string> Names()
    {
        var names = new TheoryData<string>();
        if (SharedData.TryPath("dp", "vectors.json") is { } path)
        {
            foreach (var vector in Numeric(path))
            {
                names.Add(vector.GetProperty("name").GetString()!);
            }
        }

        names.Add("all are there");
        return names;
    }

    [Theory, MemberData(nameof(Names))]
    public void The_library_reproduces_it(string name)
    {
        var vectors = Numeric(SharedData.Path("dp", "vectors.json")).ToList();
        if (name == "all are there")
        {
            Assert.Equal(125, vectors.Count);
            return;
        }

        var vector = vectors.Single(one => one.GetProperty("name").GetString() == name);
        var (values, isList) = QueryEvaluator.Evaluate(
            vector.GetProperty("mechanism").GetString()!, vector.GetProperty("parameters"), vector.GetProperty("quantity").GetString()!);
        var expected = vector.GetProperty("expected");
        Assert.Equal(expected.ValueKind == JsonValueKind.Array, isList);
        var each = expected.ValueKind == JsonValueKind.Array ? expected.EnumerateArray().ToArray() : [expected];
        Assert.Equal(each.Length, values.Count);
        var tolerance = vector.GetProperty("tolerance");
        foreach (var (index, (wanted, got)) in each.Zip(values).Index())
        {
            if (name == OverEstimated && index == 0)
            {
                Assert.Equal(0.0006500708971880157, got!.Value, 1e-12);
                continue;
            }

            AssertClose(wanted, got, tolerance.GetProperty("abs").GetDouble(), tolerance.GetProperty("rel").GetDouble());
        }
    }

    private static void AssertClose(JsonElement wanted, double? got, double absolute, double relative)
    {
        switch (wanted.ValueKind)
        {
            case JsonValueKind.Null:
                Assert.Null(got);
                break;
            case JsonValueKind.String:
                Assert.Equal(double.PositiveInfinity, got);
                break;
            default:
                var value = wanted.GetDouble();
                Assert.True(Math.Abs(got!.Value - value) <= absolute + (relative * Math.Abs(value)), $"expected {value:R}, got {got:R}");
                break;
        }
    }

    private static IEnumerable<JsonElement> Numeric(string path) =>
        JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetProperty("vectors").EnumerateArray().Where(vector => vector.GetProperty("kind").GetString() == "numeric");
}
