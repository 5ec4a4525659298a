using FederatedDpLlm.Budgets;
using FederatedDpLlm.Security.Audit;
using Microsoft.Extensions.Logging.Abstractions;

// LEDGER PREFIX CALLERS: puts a ledger under load until it is killed. A line on standard output is an acknowledgement that a caller could have acted upon:
//   reserved ID UNITS, refused ID, settling ID (written before the call), committed ID UNITS, released ID
await using var ledger = await SqliteBudgetLedger.OpenAsync(args[0], TimeProvider.System, NullLogger<SqliteBudgetLedger>.Instance, CancellationToken.None);
await using var acknowledgements = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
var gate = new Lock();

await Task.WhenAll(Enumerable.Range(0, int.Parse(args[2], null)).Select(caller => Task.Run(() => AskForEver(caller))));

async Task AskForEver(int caller)
{
    for (var turn = 0; ; turn++)
    {
        var id = $"{args[1]}.{caller}.{turn}";
        long units = 1 + ((caller + turn) % 7);
        Charge[] charges = [new(AccountId.User("alice"), new BudgetUnits(units)), new(AccountId.Data("h", "b"), new BudgetUnits(units))];
        if (await ledger.ReserveAsync(id, charges, Entry(AuditDecision.Admitted), CancellationToken.None) is not ReserveOutcome.Reserved)
        {
            Say($"refused {id}");
            continue;
        }

        Say($"reserved {id} {units}");
        await Settle(id, charges, turn % 5);
    }
}

async Task Settle(string id, Charge[] charges, int kind)
{
    if (kind == 4)
    {
        return;
    }

    Say($"settling {id}");
    if (kind == 3)
    {
        await ledger.ReleaseAsync(id, Entry(AuditDecision.Failed), CancellationToken.None);
        Say($"released {id}");
        return;
    }

    Charge[] ran = [.. charges.Select(charge => charge with { Amount = new BudgetUnits(Math.Max(0, charge.Amount.Value - kind)) })];
    await ledger.CommitAsync(id, ran, Entry(AuditDecision.Answered), CancellationToken.None);
    Say($"committed {id} {ran[0].Amount.Value}");
}

void Say(string line)
{
    lock (gate)
    {
        acknowledgements.WriteLine(line);
    }
}

static AuditRecord Entry(AuditDecision decision) => new("-", decision, "alice", new Dictionary<string, string>());
