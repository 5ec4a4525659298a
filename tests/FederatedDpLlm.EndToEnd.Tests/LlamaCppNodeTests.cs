using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Tests.Judge;
using FederatedDpLlm.Tests.Judge.Server;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>A hospital whose node has a real llama.cpp behind it, in a federation of real processes.</summary>
[Trait(TestLength.Name, TestLength.Ci)]
public sealed class LlamaCppNodeTests
{
    private const string Model = "ward-at-llama-cpp";

    [Fact]
    public async Task Its_private_answers_come_through_the_router_and_without_its_engine_it_is_asked_no_more()
    {
        var library = LlamaCpp.FolderIn(Repository.Root);
        Assert.SkipWhen(library is null, "needs llama.cpp from npm (node-llama-cpp 3.22.1, Linux x64); ./test.sh installs it where npm works");
        var folder = Directory.CreateTempSubdirectory("fedllm-llama-").FullName;
        var exported = Path.Combine(folder, "ward-2m.gguf");
        ModelConversion.ToGguf(BundledModel.Folder, null, exported, ElementType.Float32, null, TestContext.Current.CancellationToken);
        await using var engine = await LlamaCppServer.StartAsync(library!, exported);
        await using var demo = await FederationUnderTest.StartAsync();
        var (hospital, processId) = demo.Nodes[0];
        await SetEngineAsync(demo, hospital, $"engine: {{kind: llama.cpp, base_url: '{engine.Address}', remote_model: {Model}, scores: likelihoods}}");
        FederationUnderTest.Kill(processId);
        await UntilAsync(async () => (await demo.HospitalAsync(hospital)) is var state && state.GetProperty("healthy").GetBoolean() && state.GetProperty("model").GetString() == Model);

        var token = await demo.TokenForAsync("llama");
        var before = engine.Completions;
        var (status, body, _) = await demo.AskAsync(token, Choice());
        Assert.True(status == 200, body.ToString());
        Assert.Contains(body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString(), Options);
        Assert.True(engine.Completions > before + Options.Length);
        Assert.True(await demo.SpentByAsync("llama") > 0);

        before = engine.Completions;
        (status, body, _) = await demo.AskAsync(token, new { model = Model, max_tokens = 3, messages = Question, privacy = new { epsilon = 1.0 } });
        Assert.True(status == 200, body.ToString());
        Assert.True(engine.Completions > before);

        await engine.DisposeAsync();
        await UntilAsync(async () => !(await demo.HospitalAsync(hospital)).GetProperty("healthy").GetBoolean());

        // No healthy node serves the model any more.
        Assert.Equal(404, (await demo.AskAsync(token, Choice())).Status);
        Directory.Delete(folder, true);
    }

    private static string[] Options => ["emergency", "cardiology", "radiology", "general"];

    private static object[] Question => [new { role = "user", content = "Which department sees most patients with chest pain?" }];

    private static object Choice() => new { model = Model, messages = Question, privacy = new { epsilon = 1.0, choices = Options } };

    private static async Task SetEngineAsync(FederationUnderTest demo, string hospital, string engine)
    {
        var path = Path.Combine(demo.DataFolder, "nodes", hospital, "node.yaml");
        var yaml = await File.ReadAllTextAsync(path);
        Assert.Contains("engine: {kind: embedded}", yaml, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, yaml.Replace("engine: {kind: embedded}", engine, StringComparison.Ordinal));
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        for (var patience = 0; patience < 300; patience++)
        {
            if (await holds())
            {
                return;
            }

            await Task.Delay(200, TestContext.Current.CancellationToken);
        }

        Assert.Fail("It did not come about within a minute.");
    }
}
