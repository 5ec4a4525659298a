using System.Diagnostics;
using System.Text.Json;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Security.Audit;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary><c>fedllm budget</c> and <c>fedllm audit</c> as a privacy officer runs them, on ledgers that are being written meanwhile.</summary>
public sealed class LedgerCommandTests : IAsyncLifetime
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("fedllm-cli-");
    private readonly List<SqliteBudgetLedger> _ledgers = [];

    public async ValueTask InitializeAsync()
    {
        await OpenAsync("router", new AccountPolicy(AccountId.User("alice"), AccountKind.Quota, Composition.Basic, 20, 1e-6, ResetSchedule.Daily));
        await OpenAsync("nodes/mercy", new AccountPolicy(AccountId.Data("mercy", "2026"), AccountKind.Data, Composition.Zcdp, 10, 1e-6, ResetSchedule.Never));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var ledger in _ledgers)
        {
            await ledger.DisposeAsync();
        }

        _data.Delete(recursive: true);
    }

    [Fact]
    public async Task They_show_and_verify_every_ledger_below_the_folder_while_it_is_in_use()
    {
        var (code, verified) = await RunAsync("budget", "verify");
        Assert.Equal(0, code);
        Assert.True(verified.GetProperty("ok").GetBoolean());
        Assert.Equal((0.0, 2, 4), (verified.GetProperty("drift").GetDouble(), verified.GetProperty("accounts").GetInt32(), verified.GetProperty("entries").GetInt32()));

        (code, verified) = await RunAsync("audit", "verify");
        Assert.Equal(0, code);
        Assert.True(verified.GetProperty("ok").GetBoolean());
        Assert.Equal(6, verified.GetProperty("entries").GetInt32());

        (code, var decisions) = await RunAsync("audit", "show");
        Assert.Equal(0, code);
        Assert.Equal(
            ["AccountOpened", "Admitted", "Answered", "AccountOpened", "Admitted", "Answered"], decisions.GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("decision").GetString()));
        Assert.Equal("data:mercy/2026", decisions.GetProperty("entries")[5].GetProperty("movements")[0].GetProperty("account").GetString());

        (code, var shown) = await RunAsync("budget", "show");
        Assert.Equal(0, code);
        var alice = shown.GetProperty("accounts").EnumerateArray().Single(account => account.GetProperty("id").GetString() == "user:alice");
        Assert.Equal((20, 1, 19), (alice.GetProperty("budget").GetDouble(), alice.GetProperty("spent").GetDouble(), alice.GetProperty("remaining").GetDouble()));
    }

    [Fact]
    public async Task The_accounts_are_read_in_eighty_columns()
    {
        var (code, output, errors) = await Cli.RunAsync("budget", "show", "--data", _data.FullName);
        Assert.True(code == 0, errors);
        var lines = output.Split('\n').Select(line => line.TrimEnd()).ToList();
        Assert.All(lines, line => Assert.True(line.Length <= 80, $"{line.Length} columns: {line}"));
        Assert.Matches(@"^\s*user:alice\s+19\s+1\s+0\s+20\s+epsilon\s+\d\d-\d\d 00:00$", Assert.Single(lines, line => line.Contains("user:alice", StringComparison.Ordinal)));
        Assert.Matches(@"^\s*data:mercy/2026\s+[\d.]+\s+0\.01\s+0\s+[\d.]+\s+rho\s+never$", Assert.Single(lines, line => line.Contains("data:mercy", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_decision_is_read_in_one_line()
    {
        var (code, output, errors) = await Cli.RunAsync("audit", "show", "--data", _data.FullName, "--last", "1");
        Assert.True(code == 0, errors);
        Assert.Matches(@"^\s*\d\d-\d\d \d\d:\d\d:\d\d\s+mercy\s+Answered\s+alice$", Assert.Single(output.Split('\n').Select(line => line.TrimEnd()), line => line.Contains("alice", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_forged_entry_fails_both_with_exit_code_1_and_the_first_bad_index()
    {
        Tamper("nodes/mercy", "DROP TRIGGER movements_keep; UPDATE movements SET spent = 0 WHERE entry = 2");
        var (code, audit) = await RunAsync("audit", "verify");
        Assert.Equal((1, false, 2), (code, audit.GetProperty("ok").GetBoolean(), audit.GetProperty("firstBad").GetInt32()));
        Assert.Equal(Path.Combine("nodes", "mercy", "ledger.db"), audit.GetProperty("file").GetString());
        (code, var budget) = await RunAsync("budget", "verify");
        Assert.Equal((1, false), (code, budget.GetProperty("ok").GetBoolean()));
        Assert.True(budget.GetProperty("drift").GetDouble() > 0);
    }

    [Fact]
    public async Task A_log_that_cannot_be_read_is_said_and_not_shown()
    {
        Tamper("nodes/mercy", "DROP TRIGGER audit_entries_keep; UPDATE audit_entries SET details = '{' WHERE number = 2");
        var (code, output, errors) = await Cli.RunAsync("audit", "show", "--data", _data.FullName, "--json");
        var shown = JsonSerializer.Deserialize<JsonElement>(output);
        Assert.Equal((1, false), (code, shown.GetProperty("ok").GetBoolean()));
        Assert.Contains("cannot be read", shown.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_without_ledgers_and_an_unknown_command_are_misuse()
    {
        Assert.Equal(2, (await RunAsync(Path.Combine(_data.FullName, "none"), "budget", "verify")).Code);
        Assert.Equal(2, (await RunAsync(Directory.CreateDirectory(Path.Combine(_data.FullName, "empty")).FullName, "audit", "verify")).Code);
        Assert.Equal(2, (await RunAsync(_data.FullName, "budget", "invent")).Code);
    }

    private async Task OpenAsync(string folder, AccountPolicy policy)
    {
        var cancel = TestContext.Current.CancellationToken;
        var ledger = await SqliteBudgetLedger.OpenAsync(
            Path.Combine(_data.FullName, folder, SqliteBudgetLedger.FileName), TimeProvider.System, NullLogger<SqliteBudgetLedger>.Instance, cancel);
        _ledgers.Add(ledger);
        await ledger.EnsureAccountAsync(policy, cancel);
        var one = new Charge(policy.Id, BudgetUnits.OfCost(policy.Kind == AccountKind.Quota ? 1 : 0.01));
        var audit = new AuditRecord("r", AuditDecision.Admitted, "alice", new Dictionary<string, string>());
        Assert.IsType<ReserveOutcome.Reserved>(await ledger.ReserveAsync("r", [one], audit, cancel));
        await ledger.CommitAsync("r", [one], audit with { Decision = AuditDecision.Answered }, cancel);
    }

    private void Tamper(string folder, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_data.FullName, folder, SqliteBudgetLedger.FileName)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private Task<(int Code, JsonElement Json)> RunAsync(string group, string verb) => RunAsync(_data.FullName, group, verb);

    private static async Task<(int Code, JsonElement Json)> RunAsync(string data, string group, string verb)
    {
        var configuration = Path.GetFileName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var program = Path.Combine(AppContext.BaseDirectory, "..", "..", "FederatedDpLlm.Cli", configuration, "fedllm.dll");
        var start = new ProcessStartInfo("dotnet", [program, group, verb, "--data", data, "--json"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 2 || string.IsNullOrWhiteSpace(await errors), await errors);
        return (process.ExitCode, output.StartsWith('{') ? JsonDocument.Parse(output).RootElement : default);
    }
}
