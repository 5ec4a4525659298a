using System.Text.Json.Nodes;
using FederatedDpLlm.Models.Training.Private;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>What stands beside an adapter that was trained privately.</summary>
public sealed class AdapterStatementTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    private string FilePath => Path.Combine(_folder.FullName, AdapterStatement.FileName);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_statement_is_read_back_as_it_was_written()
    {
        Statement.Write(FilePath);
        Assert.Equal(Statement, AdapterStatement.Read(FilePath));
        Assert.Equal(FilePath, AdapterStatement.Beside(_folder.FullName));
        Assert.Equal(FilePath, AdapterStatement.Beside(Path.Combine(_folder.FullName, "adapter.gguf")));
    }

    [Fact]
    public void Exchanging_a_patient_moves_a_step_twice_as_far_as_adding_one()
    {
        var added = Statement.ReleasedUnder(NeighbouringRelation.AddOrRemoveOne);
        Assert.Equal(new RepeatedEvent(new PoissonSampledEvent(0.1, new GaussianEvent(2, NeighbouringRelation.AddOrRemoveOne)), 100), added);
        var exchanged = Statement.ReleasedUnder(NeighbouringRelation.ReplaceOne);
        Assert.Equal(NeighbouringRelation.ReplaceOne, exchanged.Relation);
        Assert.Equal(100 / 8.0, ZeroConcentrated.RhoOf(added), 1e-9);
        Assert.Equal(100 / 2.0, ZeroConcentrated.RhoOf(exchanged), 1e-9);
    }

    [Theory]
    [InlineData("weights_sha256", "\"ab\"")]
    [InlineData("weights_sha256", "null")]
    [InlineData("unit", "\"note\"")]
    [InlineData("noise_multiplier", "0")]
    [InlineData("noise_multiplier", "-1")]
    [InlineData("noise_multiplier", "1e999")]
    [InlineData("noise_multiplier", "\"NaN\"")]
    [InlineData("sampling_rate", "0")]
    [InlineData("sampling_rate", "1.5")]
    [InlineData("steps", "0")]
    [InlineData("steps", "-1")]
    [InlineData("steps", "9999999999")]
    [InlineData("noise_distance", "1")]
    [InlineData("noise_distance", "-1e-9")]
    [InlineData("records", "\"\\ud800\"")]
    [InlineData("steps_of_a_second_training", "100")]
    public void A_statement_that_cannot_be_is_refused(string member, string value)
    {
        Statement.Write(FilePath);
        var json = JsonNode.Parse(File.ReadAllText(FilePath))!.AsObject();
        json.Remove(member);
        File.WriteAllText(FilePath, json.ToJsonString()[..^1] + $",\"{member}\":{value}}}");
        Assert.Throws<ModelFormatException>(() => AdapterStatement.Read(FilePath));
    }

    [Theory, InlineData(""), InlineData("null"), InlineData("[]"), InlineData("{}"), InlineData("{\"steps\":1,\"steps\":2}")]
    public void What_is_no_statement_is_refused(string text)
    {
        File.WriteAllText(FilePath, text);
        Assert.Throws<ModelFormatException>(() => AdapterStatement.Read(FilePath));
    }

    [Fact]
    public void A_member_that_is_missing_or_stands_twice_is_refused()
    {
        Statement.Write(FilePath);
        var text = File.ReadAllText(FilePath);
        foreach (var member in new[] { "weights_sha256", "unit", "noise_multiplier", "sampling_rate", "steps", "noise_distance", "epsilon", "delta", "relation" })
        {
            var json = JsonNode.Parse(text)!.AsObject();
            json.Remove(member);
            File.WriteAllText(FilePath, json.ToJsonString());
            Assert.Throws<ModelFormatException>(() => AdapterStatement.Read(FilePath));
        }

        File.WriteAllText(FilePath, text.Replace("\"steps\": 100", "\"steps\": 100, \"steps\": 1", StringComparison.Ordinal));
        Assert.Throws<ModelFormatException>(() => AdapterStatement.Read(FilePath));
    }

    private static AdapterStatement Statement => new()
    {
        WeightsSha256 = new string('a', 64), Unit = "patient", NoiseMultiplier = 2, SamplingRate = 0.1, Steps = 100, NoiseDistance = 1e-12, Epsilon = 1, Delta = 1e-5, Relation = "AddOrRemoveOne", Records = "notes.jsonl",
        BaseModel = "ward-2m",
    };
}
