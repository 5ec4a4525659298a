using FederatedDpLlm.Models.Training.Private;
using FederatedDpLlm.Models.Weights.Adapters;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>From patients' notes to an adapter's folder.</summary>
public sealed class PrivateFineTuningTests : IDisposable
{
    private static readonly FineTuningPlan Plan = new() { Epsilon = new Epsilon(2), Steps = 2, SamplingRate = 0.5, Threads = 1, Rank = 4 };
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedllm-tuning-");

    public void Dispose() => _folder.Delete(recursive: true);

    // Attention matrices of a context of 32,768 alone would be 4.3 GB, twice.
    [Fact]
    public void Short_notes_are_learnt_in_little_memory_however_long_the_models_context_is()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var result = Tune(context: 32_768);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500_000_000);
        Assert.Equal(8, result.Patients);
        Assert.InRange(result.Epsilon, 0.01, 2);
    }

    [Fact]
    public void What_is_written_is_an_adapter_of_every_linear_map_that_changes_something()
    {
        Tune(context: 1024);
        var adapter = LoraAdapter.Read(Adapter);
        Assert.Equal((4, 16.0, 8 * 7), (adapter.Rank, adapter.Alpha, adapter.Modules.Count));
        Assert.All(adapter.Modules, module => Assert.Contains(module.B, value => value != 0));
        Assert.Equal(AdapterStatement.DigestOf(Adapter), AdapterStatement.Read(AdapterStatement.Beside(Adapter)).WeightsSha256);
    }

    private string Adapter => Path.Combine(_folder.FullName, "adapter");

    private FineTuningResult Tune(int context)
    {
        var model = _folder.CreateSubdirectory("model").FullName;
        foreach (var file in Directory.GetFiles(Repository.Path("models", "ward-2m")))
        {
            File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
        }

        var configuration = Path.Combine(model, "config.json");
        File.WriteAllText(configuration, File.ReadAllText(configuration).Replace("\"max_position_embeddings\": 1024", $"\"max_position_embeddings\": {context}", StringComparison.Ordinal));
        IReadOnlyList<string>[] patients = [.. Enumerable.Range(0, 8).Select(patient => new[] { $"Patient {patient} has a cough and a fever of 38.{patient}." })];
        return PrivateFineTuning.Run(model, patients, Plan, Adapter, new SeededRandom(1), _ => { }, TestContext.Current.CancellationToken);
    }
}
