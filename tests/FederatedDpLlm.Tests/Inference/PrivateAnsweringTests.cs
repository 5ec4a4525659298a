using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Tests.Inference.Engines;

namespace FederatedDpLlm.Tests.Inference;

public sealed class PrivateAnsweringTests
{
    [Theory, InlineData(1.0), InlineData(4.0)]
    public async Task A_choice_follows_the_exact_distribution_over_the_votes(double epsilon)
    {
        // Six patients of whom every shard that holds one votes for its drug; empty shards vote as the public model does, for the first option.
        PatientRecord[] records = [.. Enumerable.Range(0, 6).Select(i => TestHospital.Record($"p{i}", i < 4 ? "codeine drug" : "bisoprolol drug"))];
        var answering = TestHospital.Answering(records, 7);
        var question = TestHospital.Ask(AnswerMechanism.Choice, epsilon);
        var votes = await answering.VoteAsync(answering.PlanForRouter(question, 7).Plan!, TestContext.Current.CancellationToken);
        Assert.Equal(7, votes.Counts.Sum());
        Assert.True(votes.Counts.Distinct().Count() > 1);

        // eta = epsilon = 2/beta under the replace relation: weights exp(votes * epsilon / 2).
        var weights = votes.Counts.Select(count => Math.Exp(count * epsilon / 2)).ToArray();
        const int draws = 20_000;
        var chosen = new int[3];
        for (var i = 0; i < draws; i++)
        {
            var (text, completion) = await TestHospital.ReadAsync(answering.AnswerAsync(answering.Plan(question).Plan!, TestContext.Current.CancellationToken));
            Assert.Equal(question.Choices[completion!.Option!.Value], text);
            chosen[completion.Option.Value]++;
        }

        // Hoeffding: P(|share - p| > t) <= 2 exp(-2 n t^2); t = 0.02 gives 2.3e-7 each, 1.4e-6 for the six of both cases.
        foreach (var (option, count) in chosen.Index())
        {
            Assert.InRange(count / (double)draws, (weights[option] / weights.Sum()) - 0.02, (weights[option] / weights.Sum()) + 0.02);
        }
    }

    [Fact]
    public void A_choice_costs_its_epsilon_pure_and_an_eighth_of_its_square_in_rho()
    {
        var plan = TestHospital.Answering([], 4).Plan(TestHospital.Ask(AnswerMechanism.Choice, 2)).Plan!;
        Assert.Equal((2.0, 0.0, 1), (plan.Cost.Epsilon.Value, plan.Cost.Delta.Value, plan.Cost.Releases));
        Assert.Equal(0.5, plan.Cost.Rho.Value, 1e-12);
        Assert.Null(plan.FreeReason);
    }

    [Theory, InlineData(AnswerMechanism.Choice), InlineData(AnswerMechanism.PrivateDecoding), InlineData(AnswerMechanism.Public)]
    public async Task Several_answers_end_one_after_the_other_each_with_its_own_cost(AnswerMechanism mechanism)
    {
        var engine = new CountingEngine();
        var answering = TestHospital.Answering([TestHospital.Record("p", "a a b")], 20, engine);
        var plan = answering.Plan(TestHospital.Ask(mechanism, 4) with { Answers = 5 }).Plan!;
        Assert.Equal(5, plan.Costs.Count);
        var ended = new List<AnswerCompletion>();
        await foreach (var piece in answering.AnswerAsync(plan, TestContext.Current.CancellationToken))
        {
            ended.AddRange(piece is AnswerPiece.Completed completed ? [completed.Completion] : []);
        }

        Assert.Equal(5, ended.Count);
        Assert.Equal(mechanism == AnswerMechanism.PrivateDecoding ? 1 : 0, engine.Opened);
        Assert.All(ended, one => Assert.True(one.Cost.Epsilon.Value <= plan.Cost.Epsilon.Value && one.Tokens >= (mechanism == AnswerMechanism.Choice ? 1 : 0)));
    }

    [Fact]
    public async Task Only_unused_tokens_return()
    {
        var answering = TestHospital.Answering([TestHospital.Record("p", "a a b")], 20);
        var plan = answering.Plan(TestHospital.Ask(AnswerMechanism.PrivateDecoding, 4) with { MaxTokens = 12 }).Plan!;
        Assert.InRange(plan.Cost.Epsilon.Value, 3.99, 4);
        for (var i = 0; i < 30; i++)
        {
            var (text, completion) = await TestHospital.ReadAsync(answering.AnswerAsync(plan, TestContext.Current.CancellationToken));

            // The end token is drawn and paid like any other, and is no part of the text.
            var drawn = completion!.Tokens + (completion.FinishReason == FinishReason.Stop ? 1 : 0);
            Assert.Equal(text.Length, completion.Tokens);
            Assert.Equal(drawn, completion.Cost.Releases);
            Assert.Equal(plan.RhoPerRelease.Value * drawn, completion.Cost.Rho.Value, 1e-12);
            Assert.True(completion.Cost.Epsilon.Value <= plan.Cost.Epsilon.Value);
            Assert.Equal(completion.FinishReason == FinishReason.Length, completion.Tokens == 12);
        }
    }

    [Fact]
    public async Task A_stop_text_ends_the_answer_and_its_tokens_are_paid()
    {
        var answering = TestHospital.Answering([], 3);
        var question = TestHospital.Ask(AnswerMechanism.PrivateDecoding, 4) with { Stop = ["e"], LogitBias = new Dictionary<int, double> { [5] = 100 } };
        var (text, completion) = await TestHospital.ReadAsync(answering.AnswerAsync(answering.Plan(question).Plan!, TestContext.Current.CancellationToken));
        Assert.Equal(("", FinishReason.Stop, 1, 1), (text, completion!.FinishReason, completion.Tokens, completion.Cost.Releases));
    }

    [Fact]
    public async Task An_answer_broken_off_gives_no_completion_so_its_whole_plan_is_spent()
    {
        var answering = TestHospital.Answering([], 3);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        var plan = answering.Plan(TestHospital.Ask(AnswerMechanism.PrivateDecoding) with { LogitBias = new Dictionary<int, double> { [1] = 100 } }).Plan!;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TestHospital.ReadAsync(answering.AnswerAsync(plan, cancelled.Token)));
    }

    [Fact]
    public async Task Empty_shards_vote_as_the_public_model_and_add_nothing_to_the_sums()
    {
        var answering = TestHospital.Answering([], 9);
        var votes = await answering.VoteAsync(answering.PlanForRouter(TestHospital.Ask(AnswerMechanism.Choice), 9).Plan!, TestContext.Current.CancellationToken);
        Assert.Equal([9L, 0L, 0L], votes.Counts);
        await using var decoding = await answering.OpenDecodingAsync(answering.PlanForRouter(TestHospital.Ask(AnswerMechanism.PrivateDecoding), 9).Plan!, TestContext.Current.CancellationToken);
        Assert.All(decoding.Current.Sums, sum => Assert.Equal(0, sum));
    }

    [Fact]
    public async Task One_voter_is_enough_to_answer()
    {
        var answering = TestHospital.Answering([TestHospital.Record("p", "codeine drug")], 1);
        foreach (var mechanism in new[] { AnswerMechanism.Choice, AnswerMechanism.PrivateDecoding })
        {
            var (_, completion) = await TestHospital.ReadAsync(answering.AnswerAsync(answering.Plan(TestHospital.Ask(mechanism)).Plan!, TestContext.Current.CancellationToken));
            Assert.Equal(1, completion!.Voters);
        }
    }

    [Fact]
    public async Task The_public_path_reads_no_record_and_costs_nothing_with_its_reason()
    {
        var engine = new CountingEngine();
        var answering = TestHospital.Answering([TestHospital.Record("p", "secret")], 3, engine);
        var plan = answering.Plan(TestHospital.Ask(AnswerMechanism.Public) with { Temperature = 0, Seed = 7 }).Plan!;
        Assert.Equal(("public-model", 0, 0.0), (plan.FreeReason, plan.Voters, plan.Cost.Epsilon.Value));
        var (text, completion) = await TestHospital.ReadAsync(answering.AnswerAsync(plan, TestContext.Current.CancellationToken));
        Assert.Equal(("aaa", 0), (text, completion!.Cost.Releases));
    }

    [Fact]
    public async Task The_noises_place_is_kept()
    {
        var answering = TestHospital.Answering([], 3);
        var here = answering.Plan(TestHospital.Ask(AnswerMechanism.Choice)).Plan!;
        var there = answering.PlanForRouter(TestHospital.Ask(AnswerMechanism.Choice), 12).Plan!;
        Assert.Equal((3, 12), (here.Voters, there.Voters));
        await Assert.ThrowsAsync<ArgumentException>(() => answering.VoteAsync(here, CancellationToken.None));
        Assert.Throws<ArgumentException>(() => { _ = answering.AnswerAsync(there, CancellationToken.None); });
        Assert.Throws<ArgumentOutOfRangeException>(() => answering.PlanForRouter(TestHospital.Ask(AnswerMechanism.Choice), 2));
    }

    [Fact]
    public void An_engine_that_lacks_what_a_mechanism_needs_and_a_question_too_long_are_refused()
    {
        var blind = TestHospital.Answering([], 3, new CountingEngine { Capabilities = new("m", 0, false, false, 0) });
        Assert.Equal("privacy.mechanism", blind.Plan(TestHospital.Ask(AnswerMechanism.Choice)).Refusal!.Parameter);
        Assert.Equal("privacy.mechanism", blind.Plan(TestHospital.Ask(AnswerMechanism.PrivateDecoding)).Refusal!.Parameter);
        Assert.Equal("response_format", blind.Plan(TestHospital.Ask(AnswerMechanism.Public) with { AnswerSchema = "true" }).Refusal?.Parameter);
        var small = TestHospital.Answering([], 3, new CountingEngine { Capabilities = new("m", 30, true, true, int.MaxValue) });
        Assert.Equal("messages", small.Plan(TestHospital.Ask(AnswerMechanism.PrivateDecoding)).Refusal!.Parameter);
        Assert.True(small.Plan(TestHospital.Ask(AnswerMechanism.Choice)).IsPlanned);
    }

    [Fact]
    public void Nothing_that_may_be_logged_says_what_was_asked_or_answered()
    {
        object[] values =
        [
            TestHospital.Ask(AnswerMechanism.Choice),
            TestHospital.Ask(AnswerMechanism.Choice).Messages[0],
            new AnswerPiece.Text("aspirin"),
            TestHospital.Answering([], 3).Plan(TestHospital.Ask(AnswerMechanism.Choice)).Plan!,
            new VoteCounts([3, 4], 7),
            new DecodingStep([1], [1f], [77], 1),
            TestHospital.Record("p1", "aspirin"),
        ];
        Assert.All(values, value => Assert.DoesNotMatch("aspirin|drug|77|p1", value.ToString()));
        var sources = Directory.EnumerateFiles(Shared.Repository.Path("src", "FederatedDpLlm", "Inference"), "*.cs", SearchOption.AllDirectories);
        Assert.All(sources, source => Assert.DoesNotContain("ILogger", File.ReadAllText(source), StringComparison.Ordinal));
    }
}
