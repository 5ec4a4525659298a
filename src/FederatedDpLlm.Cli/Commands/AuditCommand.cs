using System.CommandLine;
using FederatedDpLlm.Security.Audit;
using Spectre.Console;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm audit verify</c>: recomputes the hash chain of every ledger. Works while the demo runs.</summary>
internal static class AuditCommand
{
    public static Command Create() => new("audit", "The log of every decision.") { Verify() };

    private static Command Verify()
    {
        var data = LedgerOptions.Data();
        var json = LedgerOptions.Json();
        var command = new Command("verify", "Recomputes the chain of every audit log; exit code 1 and the first bad index where it does not hold.") { data, json };
        command.SetAction(parsed => LedgerOptions.ForEachLedger(
            parsed.GetRequiredValue(data), parsed.GetValue(json), ledgers => Verify(ledgers, parsed.GetValue(json))));
        return command;
    }

    private static int Verify(IReadOnlyList<LedgerFile> ledgers, bool json)
    {
        var results = ledgers.Select(ledger => (ledger.Name, Found: AuditLog.Verify(ledger.Path))).ToList();
        var bad = results.Find(result => !result.Found.Ok);
        if (json)
        {
            var logs = results.Select(result => new { file = result.Name, ok = result.Found.Ok, entries = result.Found.Entries, head = result.Found.Head });
            var entries = results.Sum(result => result.Found.Entries);
            if (bad.Found is null)
            {
                JsonLine.Write(new { ok = true, entries, logs });
            }
            else
            {
                JsonLine.Write(new { ok = false, firstBad = bad.Found.FirstBad, file = bad.Name, problem = bad.Found.Problem, entries, logs });
            }
        }
        else
        {
            var table = new Table().AddColumns("audit log", "entries", "holds", "first bad entry", "head");
            results.ForEach(result => table.AddRow(
                Markup.Escape(result.Name), $"{result.Found.Entries}", result.Found.Ok ? "yes" : "[red]NO[/]",
                Markup.Escape(result.Found.Ok ? "-" : $"{result.Found.FirstBad}: {result.Found.Problem}"), result.Found.Head[..Math.Min(16, result.Found.Head.Length)]));
            AnsiConsole.Write(table);
        }

        return bad.Found is null ? LedgerOptions.Good : LedgerOptions.Bad;
    }
}
