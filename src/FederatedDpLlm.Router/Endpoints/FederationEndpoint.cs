using System.Text.Json;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Routing;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary><c>GET /v1/federation</c>: hospitals, accounts and the last questions, for the page and for officers' own tools. Never text.</summary>
internal sealed class FederationEndpoint(
    Gatekeeper gatekeeper, RouterConfiguration configuration, NodeDirectory nodes, IBudgetLedger ledger, RouteJournal journal, FederatedRouter router, TimeProvider clock)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public async Task HandleAsync(HttpContext context)
    {
        if (!await gatekeeper.AdmitObserverAsync(context))
        {
            return;
        }

        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsJsonAsync(
            new
            {
                configuration.Federation,
                now = clock.GetUtcNow(),
                router.Models,
                configuration.Routing.Strategy,
                router.Strategies,
                hospitals = nodes.Snapshots.Select(Hospital),
                quotas = ledger.Snapshot().OrderBy(state => state.Policy.Id.Value, StringComparer.Ordinal).Select(Quota),
                requests = journal.Lines,
            },
            Json,
            context.RequestAborted);
    }

    private static object Hospital(NodeSnapshot node) => new
    {
        node.Id,
        node.Healthy,
        node.State,
        node.Trouble,
        node.LastSeen,
        node.InFlight,
        node.LatencyMilliseconds,
        node.Status?.Model,
        node.Status?.ModelDigest,
        node.Status?.Voters,
        node.Status?.RouterNoiseAllowed,
        engine = node.Status?.Engine is { } load
            ? new { load.Running, waiting = load.HasWaiting ? load.Waiting : (int?)null, slots = load.HasSlots ? load.Slots : (int?)null }
            : null,
        paused = node.Kinds.Where(kind => kind.IsPaused).Select(kind => new { questions = kind.Kind.Name, seconds = kind.Pause.TotalSeconds, kind.MayAsk }),
        accounts = node.Status?.Accounts.Select(account => new
        {
            account.Id,
            unit = account.Currency,
            budget = new BudgetUnits(account.BudgetUnits).ToDouble(),
            spent = new BudgetUnits(account.SpentUnits).ToDouble(),
            reserved = new BudgetUnits(account.ReservedUnits).ToDouble(),
            account.EpsilonBudget,
            account.EpsilonRemaining,
            account.Delta,
        }) ?? [],
    };

    private static object Quota(AccountState state) => new
    {
        id = state.Policy.Id.Value,
        unit = AccountWire.CurrencyName(state.Policy.Composition),
        budget = state.Budget.ToDouble(),
        spent = state.Spent.ToDouble(),
        reserved = state.Reserved.ToDouble(),
        remaining = state.Remaining.ToDouble(),
        reset = state.Policy.Reset.ToString().ToLowerInvariant(),
        state.ResetsAt,
        state.Policy.Delta,
    };
}
