using System.CommandLine;
using System.Globalization;
using FederatedDpLlm.Budgets;
using Spectre.Console;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm budget show | verify</c>: accounts as they stand, and their recomputation from the entries. Both work while the demo runs.</summary>
internal static class BudgetCommand
{
    public static Command Create() => new("budget", "Privacy budgets: what is spent, and whether it follows from the entries.") { Show(), Verify() };

    private static Command Show()
    {
        var data = LedgerOptions.Data();
        var json = JsonLine.Option();
        var command = new Command("show", "Every account: budget, spent, held, remaining, and when it resets.") { data, json };
        command.SetAction(parsed => LedgerOptions.ForEachLedger(
            parsed.GetRequiredValue(data), ledgers => Show(ledgers, parsed.GetValue(json))));
        return command;
    }

    private static Command Verify()
    {
        var data = LedgerOptions.Data();
        var json = JsonLine.Option();
        var command = new Command("verify", "Recomputes every account from its entries; exit code 1 where anything differs.") { data, json };
        command.SetAction(parsed => LedgerOptions.ForEachLedger(
            parsed.GetRequiredValue(data), ledgers => Verify(ledgers, parsed.GetValue(json))));
        return command;
    }

    private static int Show(IReadOnlyList<LedgerFile> ledgers, bool json)
    {
        var now = TimeProvider.System.GetUtcNow();
        var accounts = ledgers.SelectMany(ledger => LedgerVerifier.Accounts(ledger.Path, now).Select(state => (ledger.Name, State: state))).ToList();
        if (json)
        {
            JsonLine.Write(new { accounts = accounts.Select(account => ShownAccount.Of(account.Name, account.State)) });
            return ExitCode.Good;
        }

        var shown = accounts.Select(account => ShownAccount.Of(account.Name, account.State)).ToList();
        Print("Data accounts, the guarantee of each block of patients: they never refill.", shown.Where(account => account.Kind == "data"));
        Print("Quotas, the policy: they bound a patient's loss only if askers do not collude.", shown.Where(account => account.Kind != "data"));
        return ExitCode.Good;
    }

    private static int Verify(IReadOnlyList<LedgerFile> ledgers, bool json)
    {
        var results = ledgers.Select(ledger => (ledger.Name, Found: LedgerVerifier.Verify(ledger.Path))).ToList();
        var ok = results.TrueForAll(result => result.Found.Ok);
        var problems = results.SelectMany(result => result.Found.Problems.Select(problem => $"{result.Name}: {problem}")).ToList();
        if (json)
        {
            JsonLine.Write(new
            {
                ok,
                drift = (double)results.Aggregate(Int128.Zero, (sum, result) => sum + result.Found.Drift),
                accounts = results.Sum(result => result.Found.Accounts),
                entries = results.Sum(result => result.Found.Entries),
                ledgers = results.Select(result => new { file = result.Name, ok = result.Found.Ok, accounts = result.Found.Accounts, entries = result.Found.Entries }),
                problems,
            });
        }
        else
        {
            var table = new Table().AddColumns("ledger", "accounts", "entries", "drift (units)", "agrees");
            results.ForEach(result => table.AddRow(
                Markup.Escape(result.Name), $"{result.Found.Accounts}", $"{result.Found.Entries}", $"{result.Found.Drift}", result.Found.Ok ? "yes" : "[red]NO[/]"));
            AnsiConsole.Write(table);
            problems.ForEach(Console.Out.WriteLine);
        }

        return ok ? ExitCode.Good : ExitCode.Bad;
    }

    // Fits 80 columns as long as names are short.
    private static void Print(string title, IEnumerable<ShownAccount> accounts)
    {
        var table = PlainTable.Of(("account", false), ("left", true), ("spent", true), ("held", true), ("budget", true), ("unit", false), ("resets (UTC)", false));
        foreach (var account in accounts)
        {
            table.AddRow(
                Markup.Escape(account.Id), Number(account.Remaining), Number(account.Spent), Number(account.Reserved), Number(account.Budget), account.Currency,
                account.ResetsAt?.ToString("MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "never");
        }

        Console.Out.WriteLine(title);
        PlainTable.Write(table);
    }

    private static string Number(double amount) => amount.ToString("0.###", CultureInfo.InvariantCulture);
}
