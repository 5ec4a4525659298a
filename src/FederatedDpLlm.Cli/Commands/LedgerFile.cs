namespace FederatedDpLlm.Cli.Commands;

/// <summary>One ledger below the data folder: <c>router/ledger.db</c>, <c>nodes/HOSPITAL/ledger.db</c>.</summary>
internal sealed record LedgerFile(string Path, string Name);
