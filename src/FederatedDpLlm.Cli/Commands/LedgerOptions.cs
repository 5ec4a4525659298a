using System.CommandLine;
using System.Text.Json;
using FederatedDpLlm.Budgets;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>What the commands over ledgers share: their options, the ledgers that they go over, and how misuse is answered.</summary>
internal static class LedgerOptions
{
    public const int Good = 0;
    public const int Bad = 1;
    public const int Misuse = 2;

    public static Option<string> Data() => new("--data")
    {
        Description = "The folder of state; every ledger.db below it is read (router/ and nodes/HOSPITAL/).",
        DefaultValueFactory = _ => ".fedllm",
    };

    public static Option<bool> Json() => new("--json") { Description = "Exactly one line of JSON on standard output." };

    /// <summary>Runs <paramref name="body"/> over every ledger below the folder; says what is wrong where there is none or one cannot be read.</summary>
    public static int ForEachLedger(string folder, bool json, Func<IReadOnlyList<LedgerFile>, int> body)
    {
        if (!Directory.Exists(folder))
        {
            return Refuse(json, Misuse, $"there is no folder '{folder}'; name the folder of state with --data DIR (the demo's default is .fedllm).");
        }

        var ledgers = LedgerVerifier.LedgersBelow(folder).Select(path => new LedgerFile(path, Path.GetRelativePath(folder, path))).ToList();
        if (ledgers.Count == 0)
        {
            return Refuse(json, Misuse, $"there is no {SqliteBudgetLedger.FileName} below '{folder}'.");
        }

        try
        {
            return body(ledgers);
        }
        catch (Exception failure) when (failure is SqliteException or ArgumentException or InvalidCastException or InvalidOperationException or JsonException)
        {
            return Refuse(json, Bad, $"a ledger below '{folder}' cannot be read: {failure.Message}");
        }
    }

    // Whoever reads the JSON line gets one, also where there is nothing good to say.
    private static int Refuse(bool json, int code, string message)
    {
        Console.Error.WriteLine("fedllm: " + message);
        if (json)
        {
            JsonLine.Write(new { ok = false, error = message });
        }

        return code;
    }
}
