using FederatedDpLlm.Budgets;
using FederatedDpLlm.Routing;
using static FederatedDpLlm.Tests.Routing.TestQuestions;

namespace FederatedDpLlm.Tests.Routing;

/// <summary>What one question costs when nodes refuse, break or lie: over real links and a real ledger.</summary>
public sealed class FederatedRouterTests
{
    [Fact]
    public async Task An_answer_charges_every_quota_what_it_cost()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        var events = await router.AskAsync(Choice(1));
        Assert.Equal("yes", Assert.IsType<RouteEvent.Text>(events[0]).Value);
        var completion = Assert.IsType<RouteEvent.Completed>(events[1]).Completion;
        Assert.Equal(["a"], completion.Nodes);
        Assert.All(completion.Accounts, account => Assert.Equal(1.0, account.Charged.ToDouble()));
        Assert.Equal(1.0, router.Spent("global"));
        Assert.Equal(1.0, router.Spent("user:alice"));
    }

    [Fact]
    public async Task Tokens_that_were_not_drawn_return_to_the_quotas()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        var events = await router.AskAsync(Decoding(1, maxTokens: 16));
        Assert.IsType<RouteEvent.Completed>(events[^1]);
        Assert.InRange(router.Spent("global"), 0.05, 0.5);
    }

    [Fact]
    public async Task A_node_whose_data_is_spent_costs_nothing_and_the_next_one_answers()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Script = ScriptedNode.RefuseAsync;
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]).Completion.Nodes);
        Assert.Equal(1.0, router.Spent("global"));
    }

    [Fact]
    public async Task Data_that_is_spent_everywhere_is_a_refusal_and_costs_no_quota()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        Assert.All(router.Nodes, node => node.Script = ScriptedNode.RefuseAsync);
        var refused = Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(Choice(1))));
        Assert.IsType<RouteRefusal.DataExhausted>(refused.Refusal);
        Assert.Equal(0, router.Spent("global"));
    }

    [Fact]
    public async Task Where_no_engine_gives_log_probabilities_private_decoding_is_refused_with_what_to_do_and_choices_are_answered()
    {
        await using var router = await RouterUnderTest.StartAsync(test => test.Nodes.ToList().ForEach(node => node.Describe = status => status.Logits = false), "a", "b");
        var refused = Assert.IsType<RouteEvent.Refused>((await router.AskAsync(Decoding(1, maxTokens: 4)))[^1]);
        Assert.Contains("needs token log-probabilities", refused.Refusal.Message, StringComparison.Ordinal);
        Assert.Contains("privacy.choices", refused.Refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, router.Spent("global"));
        Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]);
    }

    [Fact]
    public async Task A_draw_after_one_that_may_have_happened_is_charged_again()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Script = ScriptedNode.BreakAfterAdmissionAsync;
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]).Completion.Nodes);
        Assert.Equal(2.0, router.Spent("global"));
        router.AssertJournal("answered", 2, "b");
    }

    [Fact]
    public async Task A_failover_that_the_quota_cannot_pay_is_refused_with_the_first_draw_spent()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Script = ScriptedNode.BreakAfterAdmissionAsync;
        var refused = Assert.IsType<RouteEvent.Refused>((await router.AskAsync(Choice(6)))[^1]);
        Assert.IsType<RouteRefusal.QuotaExhausted>(refused.Refusal);
        Assert.Equal(6.0, router.Spent("global"));
        router.AssertJournal("refused: quota", 6, "a");
    }

    [Fact]
    public async Task A_stream_that_has_shown_text_fails_instead_of_starting_again()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Script = ScriptedNode.BreakAfterTextAsync;
        var events = await router.AskAsync(Choice(1), buffered: false);
        Assert.IsType<RouteEvent.Failed>(events[^1]);
        Assert.Equal(0, router.Nodes[1].Asked);
        Assert.Equal(1.0, router.Spent("global"));
        router.AssertJournal("failed", 1, "a");
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Who_refuses_after_an_answer_has_begun_has_broken_off_and_is_charged(bool buffered)
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Script = ScriptedNode.RefuseAfterTextAsync;
        var events = await router.AskAsync(Choice(1), buffered);
        if (buffered)
        {
            // Nothing of the first hospital's text is taken for the second's.
            Assert.Equal("yes", Assert.IsType<RouteEvent.Text>(events[0]).Value);
            Assert.IsType<RouteEvent.Completed>(events[^1]);
        }
        else
        {
            Assert.IsType<RouteEvent.Failed>(events[^1]);
        }

        Assert.Equal(buffered ? 2.0 : 1.0, router.Spent("global"));
    }

    [Fact]
    public async Task A_whole_answer_fails_over_also_after_text()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Script = ScriptedNode.BreakAfterTextAsync;
        var events = await router.AskAsync(Choice(1), buffered: true);
        Assert.Equal("yes", Assert.IsType<RouteEvent.Text>(events[0]).Value);
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>(events[^1]).Completion.Nodes);
    }

    [Fact]
    public async Task A_dead_node_costs_nothing_since_the_question_never_left()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        await router.KillAsync(0);
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]).Completion.Nodes);
        Assert.Equal(1.0, router.Spent("global"));
    }

    [Fact]
    public async Task A_caller_who_leaves_after_admission_has_spent()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        using var leaving = new CancellationTokenSource();
        router.Nodes[0].Script = async (_, responses) =>
        {
            await responses.WriteAsync(new Protocol.AnswerEvent { Admitted = new Protocol.Admitted { ModelDigest = ScriptedNode.Digest, Voters = 10 } });
            await leaving.CancelAsync();
            await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var one in router.Router.AskAsync(Choice(1), true, leaving.Token))
            {
                Assert.Fail("nothing comes");
            }
        });
        Assert.Equal(1.0, router.Spent("global"));
        Assert.Equal(0, router.Ledger.Find(AccountId.Global)!.Reserved.Value);
        router.AssertJournal("failed", 1, "a");
    }

    [Fact]
    public async Task A_node_with_another_hospitals_certificate_is_not_spoken_to()
    {
        await using var router = await RouterUnderTest.StartWithImpostorAsync("a", certificateOf: "b");
        Assert.False(router.Directory.Snapshots[0].Healthy);
        Assert.IsType<RouteRefusal.Unavailable>(Assert.IsType<RouteEvent.Refused>((await router.AskAsync(Choice(1)))[^1]).Refusal);
        Assert.Equal(0, router.Nodes[0].Asked);
        Assert.Equal(0, router.Spent("global"));
    }

    [Fact]
    public async Task A_repeated_request_id_draws_nothing()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        var question = Choice(1);
        await router.AskAsync(question);
        Assert.IsType<RouteRefusal.Duplicate>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(question))).Refusal);
        Assert.Equal(1.0, router.Spent("global"));
        Assert.Equal(1, router.Nodes[0].Asked);
    }

    [Fact]
    public async Task An_id_that_only_the_node_has_seen_is_a_duplicate_and_costs_no_quota()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        router.Nodes[0].Script = (_, responses) => responses.WriteAsync(new Protocol.AnswerEvent { Refused = new Protocol.Refusal { Code = Protocol.RefusalCodes.DuplicateRequest, Message = "seen" } });
        var refusal = Assert.IsType<RouteRefusal.Duplicate>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(Choice(1)))).Refusal);
        Assert.Contains("new id", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, router.Spent("global"));
        router.AssertJournal("refused: duplicate", 0);
    }

    [Fact]
    public async Task An_id_whose_question_nobody_could_answer_may_ask_again()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        router.Nodes[0].Script = ScriptedNode.RefuseAsync;
        var question = Choice(1);
        Assert.IsType<RouteRefusal.DataExhausted>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(question))).Refusal);
        router.Nodes[0].Script = ScriptedNode.AnswerAsync;
        Assert.IsType<RouteEvent.Completed>((await router.AskAsync(question))[^1]);
        Assert.IsType<RouteRefusal.Duplicate>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(question))).Refusal);
        Assert.Equal(1.0, router.Spent("global"));
    }

    [Fact]
    public async Task Several_answers_cost_as_much_as_several_questions_and_each_has_its_own_text()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        var events = await router.AskAsync(Several(Choice(1), 3));
        Assert.Equal([(0, "yes"), (1, "yes"), (2, "yes")], events.OfType<RouteEvent.Text>().Select(text => (text.Answer, text.Value)));
        var completion = Assert.IsType<RouteEvent.Completed>(events[^1]).Completion;
        Assert.Equal((3.0, 3 * 0.125), (completion.Cost.Epsilon.Value, completion.Cost.Rho.Value));
        Assert.Equal((5, 3, 3), (completion.PromptTokens, completion.CompletionTokens, completion.Finishes.Count));
        Assert.Equal(3.0, router.Spent("global"));
        Assert.Equal(1, router.Nodes[0].Asked);
    }

    [Fact]
    public async Task Several_answers_are_held_together_or_not_at_all()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        Assert.IsType<RouteRefusal.QuotaExhausted>(Assert.IsType<RouteEvent.Refused>(Assert.Single(await router.AskAsync(Several(Choice(1), 11)))).Refusal);
        Assert.Equal(0, router.Spent("global"));
        Assert.Equal(0, router.Nodes[0].Asked);
        Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Several(Choice(1), 10)))[^1]);
        Assert.Equal(10.0, router.Spent("global"));
    }

    [Fact]
    public async Task Several_decoded_answers_return_what_each_did_not_use()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        await router.AskAsync(Decoding(1, maxTokens: 16));
        var one = router.Spent("global");
        await router.AskAsync(Several(Decoding(1, maxTokens: 16), 4));
        Assert.Equal(5 * one, router.Spent("global"), 1e-9);
    }

    [Theory, InlineData(-1), InlineData(2), InlineData(int.MaxValue)]
    public async Task A_node_that_answers_what_was_not_asked_has_broken_off(int answer)
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        router.Nodes[0].Script = async (request, responses) =>
        {
            await responses.WriteAsync(new Protocol.AnswerEvent { Text = "more", Answer = answer });
            await ScriptedNode.AnswerAsync(request, responses);
        };
        Assert.IsType<RouteEvent.Refused>((await router.AskAsync(Several(Choice(1), 2)))[^1]);
        Assert.Equal(2.0, router.Spent("global"));
    }

    [Fact]
    public async Task A_node_that_does_not_say_what_ran_is_charged_for_all_of_it()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        router.Nodes[0].Script = async (_, responses) =>
        {
            await responses.WriteAsync(new Protocol.AnswerEvent { Text = "no", Answer = 0 });
            await responses.WriteAsync(new Protocol.AnswerEvent { Text = "yes", Answer = 1 });
            await responses.WriteAsync(new Protocol.AnswerEvent { Completed = new Protocol.Completion { Voters = 10 } });
        };
        Assert.Equal(2, Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Several(Choice(1), 2)))[^1]).Completion.Finishes.Count);
        Assert.Equal(2.0, router.Spent("global"));
    }

    [Fact]
    public async Task A_node_whose_ledger_cannot_be_written_costs_nothing_and_the_next_one_answers()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Script = (_, responses) => responses.WriteAsync(new Protocol.AnswerEvent { Refused = new Protocol.Refusal { Code = Protocol.RefusalCodes.Unavailable, Message = "disk" } });
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]).Completion.Nodes);
        Assert.Equal(1.0, router.Spent("global"));
    }

    [Fact]
    public async Task A_choice_that_was_not_offered_and_text_beyond_the_longest_answer_are_breaks_that_are_charged()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Script = (_, responses) => responses.WriteAsync(new Protocol.AnswerEvent { Text = "maybe" });
        Assert.Equal(["b"], Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]).Completion.Nodes);
        Assert.Equal(2.0, router.Spent("global"));
        router.Nodes[0].Script = async (_, responses) =>
        {
            for (var i = 0; i < 100; i++)
            {
                await responses.WriteAsync(new Protocol.AnswerEvent { Text = new string('x', 1000) });
            }
        };
        var events = await router.AskAsync(Decoding(1, maxTokens: 4), buffered: false);
        Assert.IsType<RouteEvent.Failed>(events[^1]);
        Assert.InRange(events.OfType<RouteEvent.Text>().Sum(text => text.Value.Length), 1, 4 * 512);
    }

    [Fact]
    public async Task Accounts_that_cannot_be_are_not_passed_on_and_a_refusals_message_is_short()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        router.Nodes[0].Script = async (_, responses) =>
        {
            await responses.WriteAsync(new Protocol.AnswerEvent { Text = "yes" });
            var completed = new Protocol.Completion { Voters = 10 };
            completed.Accounts.Add(new Protocol.Account { Id = "data:b/2025", Currency = "rho", BudgetUnits = 10 });
            completed.Accounts.Add(new Protocol.Account { Id = "global", Currency = "epsilon", BudgetUnits = 10 });
            completed.Accounts.Add(new Protocol.Account { Id = "data:a/all", Currency = "rho", BudgetUnits = 10, ChargedUnits = -5 });
            completed.Accounts.Add(new Protocol.Account { Id = new string('x', 5000), Currency = "rho" });
            completed.Accounts.Add(new Protocol.Account { Id = "data:a/2025", Currency = "rho", BudgetUnits = 10, SpentUnits = 4, ChargedUnits = 1 });
            await responses.WriteAsync(new Protocol.AnswerEvent { Completed = completed });
        };
        var completion = Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]).Completion;
        Assert.Equal("data:a/2025", Assert.Single(completion.Accounts, account => account.Kind == AccountKind.Data).Id);
        router.Nodes[0].Script = (_, responses) => responses.WriteAsync(new Protocol.AnswerEvent { Refused = new Protocol.Refusal { Code = "not_allowed", Message = new string('y', 100_000) } });
        Assert.InRange(Assert.IsType<RouteEvent.Refused>((await router.AskAsync(Choice(1)))[^1]).Refusal.Message.Length, 1, 500);
    }

    [Fact]
    public async Task Many_hospitals_with_long_names_answer_together_and_their_failure_is_charged_and_recorded()
    {
        string[] ids = [.. Enumerable.Range(0, 8).Select(i => $"hospital-{i}-{new string('n', 50)}")];
        await using var router = await RouterUnderTest.StartAsync(ids);
        Assert.Equal(8, Assert.IsType<RouteEvent.Completed>((await router.AskAsync(AtRouter(Choice(1))))[^1]).Completion.Nodes.Count);
        router.Nodes[0].Contribution = async (requests, responses) =>
        {
            await requests.MoveNext(CancellationToken.None);
            await responses.WriteAsync(new Protocol.ContributionEvent { Admitted = new Protocol.Admitted { ModelDigest = ScriptedNode.Digest, Voters = 10 } });
            await requests.MoveNext(CancellationToken.None);
        };
        Assert.IsType<RouteEvent.Failed>((await router.AskAsync(AtRouter(Choice(1))))[^1]);
        Assert.Equal(2.0, router.Spent("global"));
        Assert.Equal(0, router.Ledger.Find(AccountId.Global)!.Reserved.Value);
    }

    [Fact]
    public async Task A_choice_without_its_option_has_broken_off()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Script = (_, responses) => responses.WriteAsync(new Protocol.AnswerEvent { Completed = new Protocol.Completion { Voters = 10 } });
        var completed = Assert.IsType<RouteEvent.Completed>((await router.AskAsync(Choice(1)))[^1]).Completion;
        Assert.Equal(["b"], completed.Nodes);
        Assert.Equal(1.0, completed.Lost!.Epsilon.Value);
        Assert.Equal(2.0, router.Spent("global"));
    }

    [Fact]
    public async Task A_node_cannot_have_released_fewer_tokens_than_it_sent()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        router.Nodes[0].Script = async (_, responses) =>
        {
            for (var token = 0; token < 16; token++)
            {
                await responses.WriteAsync(new Protocol.AnswerEvent { Text = "x" });
            }

            var completion = new Protocol.Completion { Voters = 10 };
            completion.Answers.Add(new Protocol.FinishedAnswer { Releases = 1, Tokens = 16, FinishReason = "stop" });
            await responses.WriteAsync(new Protocol.AnswerEvent { Completed = completion });
        };
        await router.AskAsync(Decoding(1, maxTokens: 16));
        Assert.InRange(router.Spent("global"), 0.99, 1.0);
    }

    [Fact]
    public async Task A_refusal_after_a_lost_draw_says_what_that_cost()
    {
        await using var router = await RouterUnderTest.StartAsync("a", "b");
        router.Nodes[0].Script = ScriptedNode.BreakAfterAdmissionAsync;
        Assert.Contains("charged: epsilon 6", Assert.IsType<RouteEvent.Refused>((await router.AskAsync(Choice(6)))[^1]).Refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_of_a_node_names_the_field_that_it_found_wrong()
    {
        await using var router = await RouterUnderTest.StartAsync("a");
        foreach (var (said, heard) in new[] { ("privacy.epsilon", "privacy.epsilon"), ("", "messages"), ("<script>", "messages"), (new string('x', 100), "messages") })
        {
            router.Nodes[0].Script = (_, responses) =>
                responses.WriteAsync(new Protocol.AnswerEvent { Refused = new Protocol.Refusal { Code = Protocol.RefusalCodes.InvalidQuestion, Message = "no", Parameter = said } });
            Assert.Equal(heard, Assert.IsType<RouteRefusal.Invalid>(Assert.IsType<RouteEvent.Refused>((await router.AskAsync(Choice(1)))[^1]).Refusal).Parameter);
        }
    }
}
