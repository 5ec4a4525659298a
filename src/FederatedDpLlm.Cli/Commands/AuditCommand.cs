using System.CommandLine;
using System.Globalization;
using FederatedDpLlm.Security.Audit;
using Spectre.Console;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm audit show | verify</c>: the latest decisions, and the hash chains recomputed. Both work while the demo runs.</summary>
internal static class AuditCommand
{
    public static Command Create() => new("audit", "The log of every decision.") { Show(), Verify() };

    private static Command Show()
    {
        var data = LedgerOptions.Data();
        var json = JsonLine.Option();
        var last = new Option<int>("--last") { Description = "How many decisions, the latest of all logs together: 1 to 10,000.", DefaultValueFactory = _ => 20 };
        last.Require(value => value is >= 1 and <= 10_000, "--last is 1 to 10,000.");
        var command = new Command("show", "The latest decisions: who, what it cost, what came of it. No log holds a prompt or an answer.") { data, last, json };
        command.SetAction(parsed => LedgerOptions.ForEachLedger(
            parsed.GetRequiredValue(data), ledgers => Show(ledgers, parsed.GetValue(last), parsed.GetValue(json))));
        return command;
    }

    private static int Show(IReadOnlyList<LedgerFile> ledgers, int count, bool json)
    {
        var latest = ledgers.SelectMany(ledger => AuditLog.Latest(ledger.Path, count).Select(entry => (Log: ledger.Name, Entry: entry)))
            .OrderByDescending(one => one.Entry.Time).ThenByDescending(one => one.Entry.Index).Take(count).Reverse().ToList();
        if (json)
        {
            JsonLine.Write(new
            {
                entries = latest.Select(one => new
                {
                    log = one.Log, index = one.Entry.Index, time = one.Entry.Time, decision = one.Entry.Record.Decision.ToString(), requestId = one.Entry.Record.RequestId,
                    actor = one.Entry.Record.Actor, details = one.Entry.Record.Details, movements = one.Entry.Movements,
                }),
            });
            return ExitCode.Good;
        }

        var table = PlainTable.Of(("time (UTC)", false), ("log", false), ("decision", false), ("by", false), ("how", false), ("epsilon", true), ("reason", false));
        foreach (var (log, entry) in latest)
        {
            var (record, details) = (entry.Record, entry.Record.Details);
            table.AddRow(
                entry.Time.UtcDateTime.ToString("MM-dd HH:mm:ss", CultureInfo.InvariantCulture), Markup.Escape(Path.GetFileName(Path.GetDirectoryName(log)) is { Length: > 0 } folder ? folder : log),
                record.Decision.ToString(), Markup.Escape(record.Actor), Detail("mechanism"), Detail("epsilon"), Detail("reason"));

            string Detail(string name) => Markup.Escape(details.GetValueOrDefault(name, string.Empty));
        }

        PlainTable.Write(table);
        return ExitCode.Good;
    }

    private static Command Verify()
    {
        var data = LedgerOptions.Data();
        var json = JsonLine.Option();
        var command = new Command("verify", "Recomputes the chain of every audit log; exit code 1 and the first bad index where it does not hold.") { data, json };
        command.SetAction(parsed => LedgerOptions.ForEachLedger(
            parsed.GetRequiredValue(data), ledgers => Verify(ledgers, parsed.GetValue(json))));
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

        return bad.Found is null ? ExitCode.Good : ExitCode.Bad;
    }
}
