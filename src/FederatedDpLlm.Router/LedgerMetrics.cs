using System.Diagnostics.Metrics;
using FederatedDpLlm.Budgets;

namespace FederatedDpLlm.Router;

/// <summary>What an operator watches of the ledger.</summary>
internal static class LedgerMetrics
{
    public static void Observe(IMeterFactory meters, SqliteBudgetLedger ledger)
    {
        var meter = meters.Create("FederatedDpLlm.Budgets");
        meter.CreateObservableGauge("fedllm.ledger.unsettled", () => ledger.UnsettledCount, "{settlement}", "Settlements whose write failed and that are being made again.");
        meter.CreateObservableGauge("fedllm.ledger.available", () => ledger.IsAvailable ? 1 : 0, "1", "Whether the ledger is well: the store can be written, the clock is believed, and quotas refill.");
    }
}
