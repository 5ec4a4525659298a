using System.Diagnostics.Metrics;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Wire;

namespace FederatedDpLlm.Routing;

/// <summary>The last questions, for the page and the metrics: who, how, what it cost, how long it took. Never what was asked or answered.</summary>
public sealed class RouteJournal
{
    private const int Kept = 200;
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
        _epsilon = meter.CreateCounter<double>("fedllm.epsilon.spent", "1", "Epsilon of answers, by department.");
        _seconds = meter.CreateHistogram<double>("fedllm.question.duration", "s", "From admission to the last byte.");
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

    private void Add(RoutedQuestion question, DateTimeOffset at, long started, string outcome, RouteCompletion? completion)
    {
        var elapsed = _clock.GetElapsedTime(started);
        var mechanism = QuestionWire.NameOf(question.Question.Mechanism);
        var line = new RouteJournalLine(
            at, question.RequestId, question.Caller.User, question.Caller.Department, question.Purpose, mechanism,
            question.Trust == NoisePlace.Node ? "node" : "router", completion?.Strategy, completion?.Nodes ?? [], completion?.Cost.Epsilon.Value ?? 0,
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

    /// <summary>One question under way.</summary>
    public sealed class Entry(RouteJournal journal, RoutedQuestion question, DateTimeOffset at, long started)
    {
        public void Completed(RouteCompletion completion) => journal.Add(question, at, started, "answered", completion);

        /// <summary>A repeat that got the stored answer, free.</summary>
        public void Repeated() => journal.Add(question, at, started, "answered again", null);

        public void Refused(RouteRefusal refusal) => journal.Add(question, at, started, OutcomeOf(refusal), null);

        /// <summary>The question was admitted and came to no end that its caller saw.</summary>
        public void BrokeOff() => journal.Add(question, at, started, "failed", null);

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
