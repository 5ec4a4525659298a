using FederatedDpLlm.Budgets;
using FederatedDpLlm.Security.Audit;
using Microsoft.Extensions.Logging.Abstractions;

namespace FederatedDpLlm.Tests.Budgets;

/// <summary>A folder of its own for a ledger, removed at the end.</summary>
internal sealed class LedgerFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedllm-ledger-");

    public string Root => _folder.FullName;

    public string Path => System.IO.Path.Combine(_folder.FullName, SqliteBudgetLedger.FileName);

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public Task<SqliteBudgetLedger> OpenAsync(TimeProvider? clock = null) =>
        SqliteBudgetLedger.OpenAsync(Path, clock ?? TimeProvider.System, NullLogger<SqliteBudgetLedger>.Instance, Cancel);

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>An account whose budget is stated in ledger units.</summary>
    public static AccountPolicy Quota(string name, long units, ResetSchedule reset = ResetSchedule.Daily) =>
        new(new AccountId(name), AccountKind.Quota, Composition.Basic, 1, 1e-6, reset) { Budget = new BudgetUnits(units) };

    public static AccountPolicy DataAccount(string name, long units) =>
        new(new AccountId(name), AccountKind.Data, Composition.Zcdp, 1, 1e-6, ResetSchedule.Never) { Budget = new BudgetUnits(units) };

    public static Charge[] Charges(params ReadOnlySpan<(string Account, long Units)> charges)
    {
        var result = new Charge[charges.Length];
        for (var i = 0; i < charges.Length; i++)
        {
            result[i] = new Charge(new AccountId(charges[i].Account), new BudgetUnits(charges[i].Units));
        }

        return result;
    }

    public static AuditRecord Audit(AuditDecision decision = AuditDecision.Admitted) =>
        new("-", decision, "alice", new Dictionary<string, string> { ["department"] = "cardiology" });
}
