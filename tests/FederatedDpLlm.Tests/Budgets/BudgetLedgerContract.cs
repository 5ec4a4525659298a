using System.Text.Json;
using CsCheck;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Tests.Shared;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Budgets;

/// <summary>What every ledger promises, whatever it stores its accounts in.</summary>
public abstract class BudgetLedgerContract : IAsyncLifetime
{
    private IBudgetLedger? _ledger;

    protected FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 11, 18, 10, 0, 0, TimeSpan.Zero));

    private protected IBudgetLedger Ledger => _ledger!;

    public async ValueTask InitializeAsync() => _ledger = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync(Ledger);
        GC.SuppressFinalize(this);
    }

    protected abstract Task<IBudgetLedger> OpenAsync();

    protected abstract Task CloseAsync(IBudgetLedger ledger);

    [Fact]
    public async Task A_reservation_holds_on_every_account_or_on_none_and_says_which_one_refused()
    {
        await Ledger.Ensure(LedgerFolder.Quota("user:alice", 10));
        await Ledger.Ensure(LedgerFolder.Quota("global", 5));

        var refused = Assert.IsType<ReserveOutcome.Exhausted>(await Ledger.Reserve("r1", ("user:alice", 6), ("global", 6)));
        Assert.Equal("global", refused.Account.Policy.Id.Value);
        Assert.Equal(5, refused.Account.Remaining.Value);
        Assert.Equal(new DateTimeOffset(2026, 11, 19, 0, 0, 0, TimeSpan.Zero), refused.Account.ResetsAt);
        Assert.Equal((0, 0, 10), Ledger.Balance("user:alice"));

        var held = Assert.IsType<ReserveOutcome.Reserved>(await Ledger.Reserve("r2", ("user:alice", 5), ("global", 5)));
        Assert.Equal([5, 5], held.Accounts.Select(account => account.Reserved.Value));
        Assert.Equal((0, 5, 5), Ledger.Balance("user:alice"));
        Assert.Equal((0, 5, 0), Ledger.Balance("global"));
    }

    [Fact]
    public async Task A_refusal_after_which_the_caller_asks_again_decides_nothing_and_his_last_word_is_one_entry()
    {
        await Ledger.Ensure(LedgerFolder.Quota("a", 5));
        var first = await Ledger.ReserveAsync("r", LedgerFolder.Charges(("a", 6)), LedgerFolder.Audit(), refused => refused is not ReserveOutcome.Exhausted, LedgerFolder.Cancel);
        Assert.Null(Assert.IsType<ReserveOutcome.Exhausted>(first).AuditEntry);
        var second = await Ledger.ReserveAsync("r", LedgerFolder.Charges(("a", 6)), LedgerFolder.Audit(), static _ => true, LedgerFolder.Cancel);
        var entry = Assert.IsType<ReserveOutcome.Exhausted>(second).AuditEntry!.Value;
        Assert.Equal(entry + 1, Assert.IsType<ReserveOutcome.Reserved>(await Ledger.Reserve("r", ("a", 5))).AuditEntry);
    }

    [Fact]
    public async Task A_commit_charges_what_ran_and_returns_the_rest_and_a_release_returns_all()
    {
        await Ledger.Ensure(LedgerFolder.Quota("a", 10));
        await Ledger.Ensure(LedgerFolder.Quota("b", 10));
        await Ledger.Reserve("r1", ("a", 8), ("b", 8));
        var settled = await Ledger.Commit("r1", ("a", 3));
        Assert.Equal([3, 0], settled.Accounts.Select(account => account.Spent.Value));
        Assert.Equal((3, 0, 7), Ledger.Balance("a"));
        Assert.Equal((0, 0, 10), Ledger.Balance("b"));

        await Ledger.Reserve("r2", ("a", 7));
        await Ledger.Release("r2");
        Assert.Equal((3, 0, 7), Ledger.Balance("a"));
    }

    [Fact]
    public async Task A_reservation_settles_once_and_never_above_its_hold()
    {
        await Ledger.Ensure(LedgerFolder.Quota("a", 10));
        await Ledger.Ensure(LedgerFolder.Quota("b", 10));
        await Ledger.Reserve("r", ("a", 4));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Ledger.Commit("r", ("a", 5)));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Ledger.Commit("r", ("a", 1), ("b", 1)));
        Assert.Equal((0, 4, 6), Ledger.Balance("a"));
        await Ledger.Commit("r", ("a", 4));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Ledger.Commit("r", ("a", 0)));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Ledger.Release("r"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Ledger.Commit("never", ("a", 0)));
        Assert.Equal((4, 0, 6), Ledger.Balance("a"));
    }

    [Fact]
    public async Task A_request_id_is_admitted_once_for_ever()
    {
        await Ledger.Ensure(LedgerFolder.Quota("a", 10));
        await Ledger.Reserve("r", ("a", 2));
        Assert.False(Assert.IsType<ReserveOutcome.AlreadySeen>(await Ledger.Reserve("r", ("a", 2))).Settled);
        Assert.Equal((0, 2, 8), Ledger.Balance("a"));
        await Ledger.Commit("r", ("a", 2));
        Clock.Advance(TimeSpan.FromDays(400));
        Assert.True(Assert.IsType<ReserveOutcome.AlreadySeen>(await Ledger.Reserve("r", ("a", 2))).Settled);
        Assert.Equal((0, 0, 10), Ledger.Balance("a"));
    }

    [Fact]
    public async Task An_id_that_was_refused_may_ask_again()
    {
        await Ledger.Ensure(LedgerFolder.Quota("a", 10));
        Assert.IsType<ReserveOutcome.Exhausted>(await Ledger.Reserve("r", ("a", 11)));
        Assert.IsType<ReserveOutcome.Reserved>(await Ledger.Reserve("r", ("a", 10)));
    }

    [Fact]
    public async Task An_unknown_account_refuses_the_whole_request()
    {
        await Ledger.Ensure(LedgerFolder.Quota("a", 10));
        var refused = Assert.IsType<ReserveOutcome.UnknownAccount>(await Ledger.Reserve("r", ("a", 1), ("department:none", 1)));
        Assert.Equal("department:none", refused.Account.Value);
        Assert.Equal((0, 0, 10), Ledger.Balance("a"));
        Assert.Null(Ledger.Find(new AccountId("department:none")));
    }

    [Fact]
    public async Task What_no_reservation_may_say_is_refused_at_the_door()
    {
        await Ledger.Ensure(LedgerFolder.Quota("a", 10));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Ledger.Reserve("r", ("a", -1)));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Ledger.Reserve("r", ("a", 1), ("a", 1)));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Ledger.Reserve("r"));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Ledger.Reserve(string.Empty, ("a", 1)));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Ledger.Reserve(new string('r', 257), ("a", 1)));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => Ledger.Reserve("\ud800", ("a", 1)));
        Assert.Equal((0, 0, 10), Ledger.Balance("a"));
    }

    [Fact]
    public async Task Amounts_up_to_the_end_of_the_range_neither_wrap_nor_overspend()
    {
        await Ledger.Ensure(LedgerFolder.Quota("a", long.MaxValue));
        Assert.IsType<ReserveOutcome.Reserved>(await Ledger.Reserve("r1", ("a", long.MaxValue - 1)));
        Assert.IsType<ReserveOutcome.Exhausted>(await Ledger.Reserve("r2", ("a", 2)));
        Assert.IsType<ReserveOutcome.Exhausted>(await Ledger.Reserve("r2", ("a", long.MaxValue)));
        Assert.IsType<ReserveOutcome.Reserved>(await Ledger.Reserve("r2", ("a", 1)));
        await Ledger.Commit("r1", ("a", long.MaxValue - 1));
        await Ledger.Commit("r2", ("a", 1));
        Assert.Equal((long.MaxValue, 0, 0), Ledger.Balance("a"));
        await Ledger.Ensure(LedgerFolder.Quota("a", 0));
        Assert.Equal(0, Ledger.Find(new AccountId("a"))!.Remaining.Value);
        Assert.IsType<ReserveOutcome.Exhausted>(await Ledger.Reserve("r3", ("a", 1)));
    }

    [Fact]
    public async Task Of_256_concurrent_requests_on_an_account_of_100_times_their_cost_exactly_100_are_admitted()
    {
        var cost = BudgetUnits.OfCost(0.1);
        await Ledger.Ensure(LedgerFolder.Quota("user:alice", 100 * cost.Value));
        await Ledger.Ensure(LedgerFolder.DataAccount("data:h/b", 1000 * cost.Value));
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 256).Select(i => Task.Run(async () =>
        {
            var outcome = await Ledger.Reserve($"r{i}", ("data:h/b", cost.Value), ("user:alice", cost.Value));
            if (outcome is ReserveOutcome.Reserved)
            {
                await Ledger.Commit($"r{i}", ("data:h/b", cost.Value), ("user:alice", cost.Value));
            }

            return outcome;
        })));
        Assert.Equal(100, outcomes.Count(outcome => outcome is ReserveOutcome.Reserved));
        Assert.Equal(156, outcomes.Count(outcome => outcome is ReserveOutcome.Exhausted { Account.Policy.Id.Value: "user:alice" }));
        Assert.Equal((100 * cost.Value, 0, 0), Ledger.Balance("user:alice"));
        Assert.Equal((100 * cost.Value, 0, 900 * cost.Value), Ledger.Balance("data:h/b"));
    }

    [Fact]
    public async Task Random_interleavings_agree_with_a_ledger_of_one_thread()
    {
        // Every run gets its own accounts and ids, so that one ledger serves all of them.
        var run = 0;
        await LedgerProgram.Any.SampleAsync(
            async program =>
            {
                var prefix = $"{Interlocked.Increment(ref run)}/";
                var reference = new ReferenceLedger();
                foreach (var (account, budget) in program.Budgets)
                {
                    reference.Ensure(prefix + account, budget);
                    await Ledger.Ensure(LedgerFolder.Quota(prefix + account, budget, ResetSchedule.Never));
                }

                foreach (var step in program.Steps)
                {
                    Assert.Equal(reference.Apply(step, prefix), await step.ApplyAsync(Ledger, prefix));
                    foreach (var account in program.Budgets.Keys)
                    {
                        var (spent, reserved, _) = Ledger.Balance(prefix + account);
                        Assert.Equal(reference.Balance(prefix + account), (spent, reserved));
                        Assert.True(spent + reserved <= program.Budgets[account]);
                    }
                }
            },
            iter: 60);
    }

    [Fact]
    public async Task At_every_instant_what_is_spent_and_held_fits_the_budget_however_calls_interleave()
    {
        const long budget = 50;
        await Ledger.Ensure(LedgerFolder.Quota("a", budget, ResetSchedule.Never));
        await Ledger.Ensure(LedgerFolder.Quota("b", budget * 3, ResetSchedule.Never));
        using var done = new CancellationTokenSource();
        var watcher = Task.Run(() =>
        {
            var seen = 0;
            while (!done.IsCancellationRequested)
            {
                var states = Ledger.Snapshot();
                Assert.All(states, state => Assert.True(state.Spent.Value + state.Reserved.Value <= state.Budget.Value));
                // One snapshot is one instant: b moves with a, call by call.
                Assert.Equal(states[0].Reserved.Value, states[1].Reserved.Value);
                Assert.Equal(states[0].Spent.Value, states[1].Spent.Value);
                seen++;
            }

            return seen;
        });
        var spent = (await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(async () =>
        {
            long charged = 0;
            for (var j = 0; j < 12; j++)
            {
                var id = $"{i}.{j}";
                var amount = 1 + ((i + j) % 5);
                if (await Ledger.Reserve(id, ("a", amount), ("b", amount)) is not ReserveOutcome.Reserved)
                {
                    continue;
                }

                var ran = j % 3 == 0 ? 0 : (amount + 1) / 2;
                await (j % 3 == 0 ? Ledger.Release(id) : Ledger.Commit(id, ("a", ran), ("b", ran)));
                charged += ran;
            }

            return charged;
        })))).Sum();
        await done.CancelAsync();
        Assert.True(await watcher > 0);
        Assert.Equal((spent, 0, budget - spent), Ledger.Balance("a"));
    }

    [Fact]
    public async Task The_published_scenario_of_a_filter_over_rho_is_decided_as_published()
    {
        // Decimals of the vector are counted in units of 1e-9, in which they are exact.
        var scenario = Scenario("ledger_zcdp_filter");
        var parameters = scenario.GetProperty("parameters");
        await Ledger.Ensure(LedgerFolder.DataAccount("data:h/b", Nano(parameters.GetProperty("budget_rho"))));
        var accepted = new List<bool>();
        foreach (var request in parameters.GetProperty("requests_rho").EnumerateArray())
        {
            var id = $"r{accepted.Count}";
            var admitted = await Ledger.Reserve(id, ("data:h/b", Nano(request))) is ReserveOutcome.Reserved;
            accepted.Add(admitted);
            if (admitted)
            {
                await Ledger.Commit(id, ("data:h/b", Nano(request)));
            }
        }

        Assert.Equal(scenario.GetProperty("expected").EnumerateArray().Select(one => one.GetBoolean()), accepted);
    }

    [Fact]
    public async Task The_published_scenario_of_reserve_commit_and_refund_is_followed_to_its_balance()
    {
        var scenario = Scenario("ledger_reserve_refund");
        var parameters = scenario.GetProperty("parameters");
        await Ledger.Ensure(LedgerFolder.DataAccount("data:h/b", Nano(parameters.GetProperty("budget_rho"))));
        var results = new List<bool>();
        foreach (var step in parameters.GetProperty("ops").EnumerateArray())
        {
            var id = step[1].GetString()!;
            results.Add(step[0].GetString() switch
            {
                "reserve" => await Ledger.Reserve(id, ("data:h/b", Nano(step[2]))) is ReserveOutcome.Reserved,
                "commit" => await Ledger.Commit(id, ("data:h/b", Nano(step[2]))) is not null,
                _ => await Ledger.Release(id) is not null,
            });
        }

        var expected = scenario.GetProperty("expected");
        Assert.Equal(expected[0].EnumerateArray().Select(one => one.GetBoolean()), results);
        var (spent, reserved, _) = Ledger.Balance("data:h/b");
        Assert.Equal((Nano(expected[1]), Nano(expected[2])), (spent, reserved));
    }

    [Fact]
    public async Task The_published_scenario_of_a_subnormal_cost_on_a_spent_account_is_refused()
    {
        var scenario = Scenario("ledger_fail_closed_subnormal");
        var parameters = scenario.GetProperty("parameters");
        var budget = parameters.GetProperty("budget_eps").GetDouble();
        await Ledger.Ensure(new AccountPolicy(AccountId.User("a"), AccountKind.Quota, Composition.Basic, budget, 1e-6, ResetSchedule.Never));
        var spent = BudgetUnits.OfCost(parameters.GetProperty("spent_eps").GetDouble()).Value;
        await Ledger.Reserve("spend", ("user:a", spent));
        await Ledger.Commit("spend", ("user:a", spent));
        var tiny = BudgetUnits.OfCost(parameters.GetProperty("request_eps").GetDouble());
        Assert.Equal(scenario.GetProperty("expected").GetBoolean(), await Ledger.Reserve("tiny", ("user:a", tiny.Value)) is ReserveOutcome.Reserved);
    }

    [Fact]
    public async Task The_published_scenario_of_two_windows_spends_twice_in_a_stretch_as_long_as_one()
    {
        var scenario = Scenario("tumbling_vs_sliding");
        var window = scenario.GetProperty("parameters").GetProperty("window_epsilon").GetDouble();
        await Ledger.Ensure(new AccountPolicy(AccountId.User("a"), AccountKind.Quota, Composition.Basic, window, 1e-6, ResetSchedule.Weekly));
        var one = BudgetUnits.OfCost(window).Value;

        Clock.SetUtcNow(new DateTimeOffset(2026, 11, 22, 23, 59, 59, TimeSpan.Zero));
        Assert.IsType<ReserveOutcome.Reserved>(await Ledger.Reserve("sunday", ("user:a", one)));
        await Ledger.Commit("sunday", ("user:a", one));
        Assert.IsType<ReserveOutcome.Exhausted>(await Ledger.Reserve("more", ("user:a", 1)));
        Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.IsType<ReserveOutcome.Reserved>(await Ledger.Reserve("monday", ("user:a", one)));
        var inSevenDays = new BudgetUnits((await Ledger.Commit("monday", ("user:a", one))).Accounts[0].Spent.Value + one);
        Assert.Equal(scenario.GetProperty("expected").GetDouble(), inSevenDays.ToDouble());
    }

    private static long Nano(JsonElement number) => (long)(number.GetDecimal() * 1_000_000_000m);

    private static JsonElement Scenario(string name)
    {
        using var vectors = JsonDocument.Parse(File.ReadAllText(SharedData.Path("dp", "vectors.json")));
        return vectors.RootElement.GetProperty("vectors").EnumerateArray().Single(one => one.GetProperty("name").GetString() == name).Clone();
    }
}
