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
    [InlineData("kind: embedded, adapter: nowhere.gguf", 2, "nowhere.gguf")]
    public async Task An_engine_that_cannot_be_used_is_an_error_that_says_what_to_do(string engine, int expected, string said)
    {
        var (code, errors) = await FailAsync("engine: {kind: embedded}", $"engine: {{{engine}}}");
        Assert.Equal(expected, code);
        Assert.Contains(said, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", errors, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Errors)> FailAsync(string setting, string changed)
    {
        var folder = Copy(setting, changed);
        using var node = Start(folder);
        var errors = await node.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await node.WaitForExitAsync(TestContext.Current.CancellationToken);
        Directory.Delete(folder, true);
        return (node.ExitCode, errors);
    }

    private async Task<List<string>> StartAndShowAsync(string setting, string changed)
    {
        var folder = Copy(setting, changed);
        using var node = Start(folder);
        try
        {
            for (var patience = 0; patience < 300; patience++)
            {
                await Task.Delay(200, TestContext.Current.CancellationToken);
                Assert.False(node.HasExited);
                if (File.Exists(Path.Combine(folder, "copied.db")) && await IsListeningAsync(folder))
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

        File.Move(Path.Combine(folder, "copied.db"), Path.Combine(folder, "ledger.db"));
        File.Move(Path.Combine(folder, "copied.db-wal"), Path.Combine(folder, "ledger.db-wal"));
        var shown = await Cli.JsonAsync(["budget", "show", "--data", folder, "--json"]);
        Directory.Delete(folder, true);
        return [.. shown.GetProperty("accounts").EnumerateArray().Select(account => account.GetProperty("id").GetString()!)];
    }

    private string Copy(string setting, string changed)
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
        File.WriteAllText(Path.Combine(folder, "node.yaml"), yaml.Replace(setting, changed, StringComparison.Ordinal).Replace("ledger: ledger.db", "ledger: copied.db", StringComparison.Ordinal));
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
