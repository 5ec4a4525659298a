using System.CommandLine;
using System.Text.Json;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>What the commands over ledgers share: where the ledgers are, and how to go over them.</summary>
internal static class LedgerOptions
{
    public static Option<string> Data() => new("--data")
    {
        Description = "The folder of state; every ledger.db below it is read (router/ and nodes/HOSPITAL/).",
        DefaultValueFactory = _ => ".fedllm",
    };

    /// <summary>Runs <paramref name="body"/> over every ledger below the folder.</summary>
    /// <exception cref="ConfigurationException">There is none.</exception>
    /// <exception cref="BudgetStoreException">One cannot be read.</exception>
    public static int ForEachLedger(string folder, Func<IReadOnlyList<LedgerFile>, int> body)
    {
        if (!Directory.Exists(folder))
        {
            throw new ConfigurationException($"there is no folder '{folder}'; name the folder of state with --data DIR (the demo's default is .fedllm).");
        }

        var ledgers = LedgerVerifier.LedgersBelow(folder).Select(path => new LedgerFile(path, Path.GetRelativePath(folder, path))).ToList();
        if (ledgers.Count == 0)
        {
            throw new ConfigurationException($"there is no {SqliteBudgetLedger.FileName} below '{folder}'.");
        }

        try
        {
            return body(ledgers);
        }
        catch (Exception failure) when (failure is SqliteException or ArgumentException or InvalidCastException or InvalidOperationException or JsonException)
        {
            throw new BudgetStoreException($"a ledger below '{folder}' cannot be read: {failure.Message}", failure);
        }
    }
}
