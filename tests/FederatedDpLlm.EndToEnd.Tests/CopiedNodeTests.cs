using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>A node's folder is copied and edited, as the README says, and started by hand.</summary>
[Collection(SharedFederationCollection.Name)]
public sealed partial class CopiedNodeTests(SharedFederation shared)
{
    [Fact]
    public async Task With_admission_windows_every_window_of_patients_has_an_account_of_its_own()
    {
        var accounts = await StartAndShowAsync("admission_windows: none", "admission_windows: monthly");
        Assert.True(accounts.Count > 1, string.Join(", ", accounts));
        Assert.All(accounts, account => Assert.Matches(@"^data:hospital-a/(\d{4}-\d\d|undated)$", account));
    }

    [Theory]
    [InlineData("kind: tgi", 2, "one of embedded, sharded, openai, vllm, llama.cpp, ollama")]
    [InlineData("kind: vllm, remote_model: m", 2, "'engine.base_url' is missing")]
    [InlineData("kind: vllm, base_url: 'http://ward:hunter2@127.0.0.1:9/v1', remote_model: m", 2, "engine.api_key_variable")]
    [InlineData("kind: vllm, base_url: 'http://192.0.2.7:8000/v1', remote_model: m", 2, "allow_clear_text")]
    [InlineData("kind: ollama, base_url: 'http://127.0.0.1:9'", 2, "'engine.remote_model' is missing")]
    [InlineData("kind: llama.cpp, base_url: 'http://127.0.0.1:9', remote_model: m", 1, "cannot be reached")]
    [InlineData("kind: openai, base_url: 'http://127.0.0.1:9/v1', remote_model: m, scores: guesses", 2, "one of likelihoods, letter_log_probabilities, answered_letter")]
    [InlineData("kind: embedded, model_digest: 12AB", 2, "'engine.model_digest' is no digest")]
    [InlineData("kind: embedded, model_digest: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", 2, "put the agreed weights")]
    [InlineData("kind: embedded, adapter: nowhere.gguf", 2, "nowhere.gguf")]
    [InlineData("kind: embedded, adapter: node.yaml", 2, "adapter_made_elsewhere: true")]
    [InlineData("kind: vllm, base_url: 'http://127.0.0.1:9', remote_model: m, adapter: a", 2, "'engine.adapter_statement' is missing")]
    [InlineData("kind: ollama, base_url: 'http://127.0.0.1:9', remote_model: m, adapter_statement: node.yaml", 2, "is no statement")]
    [InlineData("kind: embedded, adapter: a, adapter_statement: s, adapter_made_elsewhere: true", 2, "leave one of them out")]
    public async Task An_engine_that_cannot_be_used_is_an_error_that_says_what_to_do(string engine, int expected, string said)
    {
        var (code, errors) = await FailAsync("engine: {kind: embedded}", $"engine: {{{engine}}}");
        Assert.Equal(expected, code);
        Assert.Contains(said, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_adapter_that_was_trained_on_the_records_is_charged_once_and_one_of_which_nothing_is_known_is_refused()
    {
        // Two steps with much noise: what they cost is told by the training, and charged for two hospitals.
        var adapter = Path.Combine(Directory.CreateTempSubdirectory("fedllm-adapter-").FullName, "adapter");
        var records = Path.Combine(shared.Demo.DataFolder, "nodes", "hospital-a", "records.jsonl");
        var trained = await Cli.JsonAsync(["train", "--records", records, "--out", adapter, "--model", Repository.Path("models", "ward-2m"), "--steps", "2", "--epsilon", "0.1", "--rank", "2", "--json"]);
        var expected = 2 * trained.GetProperty("servingRho").GetDouble();
        Assert.InRange(expected, 1e-3, 1);

        var folder = Copy("engine: {kind: embedded}", $"engine: {{kind: embedded, adapter: '{adapter}'}}", ("data_budget: {epsilon: 60.0", "data_budget: {epsilon: 8.0"));
        for (var start = 0; start < 2; start++)
        {
            Assert.Equal(expected, await SpentAfterAsync(folder), 1e-9);
        }

        // Without its statement, with another's, and declared as somebody else's.
        var statement = Path.Combine(adapter, "adapter_privacy.json");
        var stated = await File.ReadAllTextAsync(statement, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(statement, System.Text.RegularExpressions.Regex.Replace(stated, "[0-9a-f]{64}", new string('a', 64)), TestContext.Current.CancellationToken);
        var (code, errors) = await EndAsync(folder);
        Assert.Equal(2, code);
        Assert.Contains("is of other weights than the adapter", errors, StringComparison.Ordinal);
        File.Delete(statement);
        (code, errors) = await EndAsync(folder);
        Assert.Equal(2, code);
        Assert.Contains("engine.adapter_made_elsewhere: true", errors, StringComparison.Ordinal);

        Directory.Delete(folder, true);
        folder = Copy("engine: {kind: embedded}", $"engine: {{kind: embedded, adapter: '{adapter}', adapter_made_elsewhere: true}}");
        Assert.Equal(0, await SpentAfterAsync(folder));
        Directory.Delete(folder, true);
        Directory.Delete(Path.GetDirectoryName(adapter)!, true);
    }

    private async Task<(int Code, string Errors)> FailAsync(string setting, string changed)
    {
        var folder = Copy(setting, changed);
        var ended = await EndAsync(folder);
        Directory.Delete(folder, true);
        return ended;
    }

    private static async Task<(int Code, string Errors)> EndAsync(string folder)
    {
        using var node = Start(folder);
        var errors = await node.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await node.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (node.ExitCode, errors);
    }

    private async Task<List<string>> StartAndShowAsync(string setting, string changed)
    {
        var folder = Copy(setting, changed);
        var accounts = await AccountsAfterAsync(folder);
        Directory.Delete(folder, true);
        return [.. accounts.Select(account => account.GetProperty("id").GetString()!)];
    }

    private static async Task<double> SpentAfterAsync(string folder) => Assert.Single(await AccountsAfterAsync(folder)).GetProperty("spent").GetDouble();

    /// <summary>The node's accounts after a start and a kill.</summary>
    private static async Task<List<System.Text.Json.JsonElement>> AccountsAfterAsync(string folder)
    {
        using var node = Start(folder);
        try
        {
            for (var patience = 0; patience < 300; patience++)
            {
                await Task.Delay(200, TestContext.Current.CancellationToken);
                Assert.False(node.HasExited);
                if (File.Exists(Path.Combine(folder, "copied", "ledger.db")) && await IsListeningAsync(folder))
                {
                    break;
                }
            }
        }
        finally
        {
            node.Kill();
            await node.WaitForExitAsync(CancellationToken.None);
        }

        var shown = await Cli.JsonAsync(["budget", "show", "--data", folder, "--json"]);
        return [.. shown.GetProperty("accounts").EnumerateArray()];
    }

    private string Copy(string setting, string changed, params ReadOnlySpan<(string Setting, string Changed)> more)
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-copied-").FullName;
        var original = Path.Combine(shared.Demo.DataFolder, "nodes", "hospital-a");
        foreach (var file in Directory.GetFiles(original).Where(file => !Path.GetFileName(file).StartsWith("ledger.db", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        var yaml = File.ReadAllText(Path.Combine(folder, "node.yaml"));
        Assert.Contains(setting, yaml, StringComparison.Ordinal);
        yaml = Port().Replace(yaml, "${1}" + Cli.FreePort().ToString(CultureInfo.InvariantCulture));
        foreach (var (before, after) in more)
        {
            Assert.Contains(before, yaml, StringComparison.Ordinal);
            yaml = yaml.Replace(before, after, StringComparison.Ordinal);
        }

        File.WriteAllText(Path.Combine(folder, "node.yaml"), yaml.Replace(setting, changed, StringComparison.Ordinal).Replace("ledger: ledger.db", "ledger: copied/ledger.db", StringComparison.Ordinal));
        return folder;
    }

    private static Process Start(string folder)
    {
        var start = new ProcessStartInfo("dotnet", [Repository.Path("artifacts", "bin", "FederatedDpLlm.Node", "release", "FederatedDpLlm.Node.dll")])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment["CONFIG_FILE"] = Path.Combine(folder, "node.yaml");
        var node = Process.Start(start)!;
        node.BeginOutputReadLine();
        return node;
    }

    private static async Task<bool> IsListeningAsync(string folder)
    {
        using var connection = new System.Net.Sockets.TcpClient();
        try
        {
            await connection.ConnectAsync("127.0.0.1", int.Parse(Port().Match(await File.ReadAllTextAsync(Path.Combine(folder, "node.yaml"))).Groups[2].ValueSpan, CultureInfo.InvariantCulture));
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"^(listen: \{address: 127\.0\.0\.1, port: )(\d+)", RegexOptions.Multiline)]
    private static partial Regex Port();
}
