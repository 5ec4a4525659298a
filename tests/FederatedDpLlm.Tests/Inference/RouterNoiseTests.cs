using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Tests.Inference;

public sealed class RouterNoiseTests
{
    private readonly RouterNoise _noise = new(new SecureRandom());

    [Fact]
    public void Votes_of_all_nodes_are_added_up_before_the_noise()
    {
        var plan = _noise.Plan(TestHospital.Ask(AnswerMechanism.Choice, 4), 60).Plan!;

        // 40 votes ahead at eta 4: another option has a chance of 2 exp(-80).
        Assert.All(Enumerable.Range(0, 50), _ => Assert.Equal(1, _noise.Choose(plan, [new([5, 15, 0], 20), new([0, 35, 5], 40)])));
    }

    [Fact]
    public void Parts_that_do_not_fit_the_plan_are_refused()
    {
        var plan = _noise.Plan(TestHospital.Ask(AnswerMechanism.Choice), 10).Plan!;
        VoteCounts[][] unfit =
        [
            [],
            [new([10, 0], 10)],
            [new([10, 0, 0], 9)],
            [new([11, -1, 0], 10)],
            [new([5, 0, 0], 5)],
            [new([10, 0, 0], 10), new([1, 0, 0], 1)],
            [new([10, 0, 0], 10), new([0, 0, 0], 0)],
            [new([long.MaxValue, 1, 0], 10)],
        ];
        Assert.All(unfit, parts => Assert.ThrowsAny<Exception>(() => _noise.Choose(plan, parts)));
        Assert.Throws<InvalidPartException>(() => _noise.Choose(plan, unfit[1]));
    }

    [Fact]
    public async Task Two_hospitals_decode_in_step_and_pay_for_what_was_drawn()
    {
        var question = TestHospital.Ask(AnswerMechanism.PrivateDecoding, 4);
        var hospitals = new[] { TestHospital.Answering([TestHospital.Record("p", "a b")], 3), TestHospital.Answering([TestHospital.Record("q", "c")], 5) };
        var plan = _noise.Plan(question, 8).Plan!;
        var router = _noise.OpenDecoding(plan);
        var sessions = new List<NodeDecoding>();
        foreach (var hospital in hospitals)
        {
            sessions.Add(await hospital.OpenDecodingAsync(hospital.PlanForRouter(question, 8).Plan!, TestContext.Current.CancellationToken));
        }

        var ended = false;
        while (!ended && router.Tokens < question.MaxTokens)
        {
            var token = router.Draw([.. sessions.Select(session => session.Current)]);
            ended = sessions[0].IsEnd(token);
            foreach (var session in ended ? [] : sessions)
            {
                Assert.Single(await session.AppendAsync(token, TestContext.Current.CancellationToken));
            }
        }

        Assert.Equal(plan.RhoPerRelease.Value * router.Tokens, router.Cost.Rho.Value, 1e-12);
        Assert.Equal(ended, router.Tokens < question.MaxTokens || ended);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => sessions[0].AppendAsync(99, CancellationToken.None));
    }

    [Fact]
    public void Nodes_of_different_models_and_hostile_sums_cannot_be_added_up()
    {
        var plan = _noise.Plan(TestHospital.Ask(AnswerMechanism.PrivateDecoding), 4).Plan!;
        var good = new DecodingStep([0, 1], [0f, 0f], [0, 0], 2);
        Assert.Throws<InvalidPartException>(() => _noise.OpenDecoding(plan).Draw([good, good with { Candidates = [0, 2] }]));
        Assert.Throws<InvalidPartException>(() => _noise.OpenDecoding(plan).Draw([good, good with { PublicLogits = [0f, 1f] }]));
        Assert.Throws<InvalidPartException>(() => _noise.OpenDecoding(plan).Draw([good, good with { Sums = [0] }]));
        Assert.Throws<InvalidPartException>(() => _noise.OpenDecoding(plan).Draw([good]));
        Assert.InRange(_noise.OpenDecoding(plan).Draw([good, good with { Sums = [long.MaxValue, long.MinValue] }]), 0, 1);
    }

    [Fact]
    public void The_plans_tokens_are_the_last_that_are_drawn()
    {
        var plan = _noise.Plan(TestHospital.Ask(AnswerMechanism.PrivateDecoding) with { MaxTokens = 2 }, 2).Plan!;
        var drawing = _noise.OpenDecoding(plan);
        var step = new DecodingStep([0, 1], [0f, 0f], [0, 0], 2);
        drawing.Draw([step]);
        drawing.Draw([step]);
        Assert.Throws<InvalidOperationException>(() => drawing.Draw([step]));
        Assert.Equal(plan.Cost.Rho, drawing.Cost.Rho);
    }
}
