using System.Diagnostics.Metrics;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Wire;

namespace FederatedDpLlm.Routing;

/// <summary>The last questions, for the page and the metrics: who, how, what it cost, how long it took. Never what was asked or answered.</summary>
public sealed class RouteJournal
{
    private const int Kept = 200;

    // Seconds: an instant engine's answers, and long ones of a large model.
    private static readonly double[] DurationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly LinkedList<RouteJournalLine> _lines = new();
    private readonly Counter<long> _questions;
    private readonly Counter<double> _epsilon;
    private readonly Histogram<double> _seconds;

    public RouteJournal(TimeProvider clock, IMeterFactory meters)
    {
        _clock = clock;
        var meter = meters.Create("FederatedDpLlm.Routing");
        _questions = meter.CreateCounter<long>("fedllm.questions", "{question}", "Questions by mechanism, department and outcome.");
        _epsilon = meter.CreateCounter<double>("fedllm.epsilon.spent", "1", "Epsilon spent, also by what broke off, by department.");
        _seconds = meter.CreateHistogram("fedllm.question.duration", "s", "From admission to the end of the answer.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = DurationBuckets });
    }

    /// <summary>Newest first.</summary>
    public IReadOnlyList<RouteJournalLine> Lines
    {
        get
        {
            lock (_gate)
            {
                return [.. _lines];
            }
        }
    }

    public Entry Begin(RoutedQuestion question) => new(this, question, _clock.GetUtcNow(), _clock.GetTimestamp());

    /// <summary>A repeat that got the stored answer, free.</summary>
    public void Repeated(RoutedQuestion question) => Add(question, _clock.GetUtcNow(), _clock.GetTimestamp(), "answered again", null, [], 0);

    private void Add(RoutedQuestion question, DateTimeOffset at, long started, string outcome, string? strategy, IReadOnlyList<string> nodes, double epsilon)
    {
        var elapsed = _clock.GetElapsedTime(started);
        var mechanism = QuestionWire.NameOf(question.Question.Mechanism);
        var line = new RouteJournalLine(
            at, question.RequestId, question.Caller.User, question.Caller.Department, question.Purpose, mechanism,
            question.Trust == NoisePlace.Node ? "node" : "router", strategy, nodes, epsilon,
            elapsed.TotalMilliseconds, outcome);
        lock (_gate)
        {
            _lines.AddFirst(line);
            if (_lines.Count > Kept)
            {
                _lines.RemoveLast();
            }
        }

        var department = new KeyValuePair<string, object?>("department", question.Caller.Department);
        _questions.Add(1, new("mechanism", mechanism), department, new("outcome", outcome));
        _epsilon.Add(line.Epsilon, department);
        _seconds.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>("mechanism", mechanism));
    }

    /// <summary>One question under way: a line of its own once it has ended, with everything that was spent on it. One thread at a time.</summary>
    public sealed class Entry(RouteJournal journal, RoutedQuestion question, DateTimeOffset at, long started)
    {
        private readonly List<string> _lostNodes = [];
        private readonly List<AnswerCost> _lost = [];
        private bool _written;

        /// <summary>What lost draws cost so far; null where there are none.</summary>
        public AnswerCost? LostCost => _lost.Exists(cost => cost.Epsilon.Value > 0) ? AnswerCost.Sum(_lost) : null;

        /// <summary>A draw came to no answer and is spent all the same.</summary>
        public void Lost(AnswerCost cost, IReadOnlyList<string> nodes)
        {
            _lost.Add(cost);
            _lostNodes.AddRange(nodes);
        }

        public void See(RouteEvent one)
        {
            switch (one)
            {
                case RouteEvent.Completed { Completion: var completion }:
                    Write("answered", completion.Strategy, completion.Nodes, completion.Cost.Epsilon.Value);
                    break;
                case RouteEvent.Refused { Refusal: var refusal }:
                    Write(OutcomeOf(refusal), null, _lostNodes, 0);
                    break;
            }
        }

        /// <summary>Where it was admitted and came to no end, it failed.</summary>
        public void Close() => Write("failed", null, _lostNodes, 0);

        private void Write(string outcome, string? strategy, IReadOnlyList<string> nodes, double epsilon)
        {
            if (!_written)
            {
                _written = true;
                journal.Add(question, at, started, outcome, strategy, nodes, epsilon + (LostCost?.Epsilon.Value ?? 0));
            }
        }

        private static string OutcomeOf(RouteRefusal refusal) => refusal switch
        {
            RouteRefusal.QuotaExhausted => "refused: quota",
            RouteRefusal.DataExhausted => "refused: data account",
            RouteRefusal.Unavailable => "refused: unavailable",
            RouteRefusal.NotAllowed => "refused: not allowed",
            RouteRefusal.Duplicate => "refused: duplicate",
            _ => "refused: invalid",
        };
    }
}
