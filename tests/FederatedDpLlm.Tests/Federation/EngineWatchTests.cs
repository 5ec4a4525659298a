using FederatedDpLlm.Federation.Nodes.Serving;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Tests.Budgets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Federation;

public sealed class EngineWatchTests
{
    [Fact]
    public async Task However_many_ask_the_engine_is_asked_once_in_a_while_and_comes_back_when_it_does()
    {
        var (engine, clock) = (new MoodyEngine(), new FakeTimeProvider());
        var watch = new EngineWatch(engine, clock, NullLogger<EngineWatch>.Instance);
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => IsReadyAsync(watch))), Assert.True);
        Assert.Equal(1, engine.Asked);
        engine.Ready = false;
        Assert.True(await IsReadyAsync(watch));
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.False(await IsReadyAsync(watch));
        engine.Ready = true;
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.True(await IsReadyAsync(watch));
        Assert.Equal(3, engine.Asked);
    }

    [Fact]
    public async Task A_wall_clock_that_is_set_back_makes_no_old_answer_fresh()
    {
        var (engine, clock) = (new MoodyEngine(), new SteppingClock(new DateTimeOffset(2026, 11, 18, 10, 0, 0, TimeSpan.Zero)));
        var watch = new EngineWatch(engine, clock, NullLogger<EngineWatch>.Instance);
        Assert.True(await IsReadyAsync(watch));
        engine.Ready = false;
        clock.Step(TimeSpan.FromDays(-400));
        clock.Pass(TimeSpan.FromSeconds(3));
        Assert.False(await IsReadyAsync(watch));
    }

    private static async Task<bool> IsReadyAsync(EngineWatch watch) => (await watch.StatusAsync(TestContext.Current.CancellationToken)).Ready;

    private sealed class MoodyEngine : IInferenceEngine
    {
        public bool Ready { get; set; } = true;

        public int Asked { get; private set; }

        public EngineCapabilities Capabilities { get; } = new("moody", 0, Scores: false, Logits: false, 0);

        public async Task<EngineStatus> StatusAsync(CancellationToken cancellationToken)
        {
            Asked++;
            await Task.Yield();
            return new EngineStatus(Ready, "moody");
        }

        public int CountTokens(IReadOnlyList<ChatMessage> messages) => 0;

        public Task<IReadOnlyList<IReadOnlyList<OptionScore>>> ScoreAsync(IReadOnlyList<ChatContext> contexts, IReadOnlyList<string> options, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IDecodingBatch> OpenDecodingAsync(IReadOnlyList<ChatContext> contexts, int maxTokens, CancellationToken cancellationToken) => throw new NotSupportedException();

        public IAsyncEnumerable<GeneratedText> GenerateAsync(ChatContext context, GenerationOptions options, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
