using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training;

/// <summary>
/// Trains a model on examples that are a function of (step, number). Microbatches are computed by any number of threads and added in their order, so the weights
/// are the same bits on one thread or many.
/// </summary>
internal sealed unsafe class Trainer
{
    private const double FinalLearningRate = 0.05;
    private readonly TrainingOptions _options;
    private readonly LlamaWeights _weights;
    private readonly LlamaBackward[] _workers;
    private readonly TensorSet[] _gradients;
    private (int Step, Task<List<List<TrainingExample>>> Batches)? _ahead;

    public Trainer(ModelConfiguration shape, TrainingOptions options, TrainingCheckpoint? checkpoint = null)
    {
        _options = options;
        Parameters = checkpoint?.Parameters ?? InitialWeights.Draw(shape, options.Seed);
        Optimizer = checkpoint?.Optimizer ?? new AdamW(Parameters.Shapes);
        Step = checkpoint?.Step ?? 0;
        _weights = new LlamaWeights(shape, Parameters);
        _workers = [.. Enumerable.Range(0, Math.Min(options.Threads, options.Microbatches)).Select(_ => new LlamaBackward(_weights, Parameters, options.MicrobatchTokens))];
        _gradients = [.. Enumerable.Range(0, options.Microbatches).Select(_ => TensorSet.Zeros(shape))];
    }

    public TensorSet Parameters { get; }

    public AdamW Optimizer { get; }

    /// <summary>Steps done.</summary>
    public int Step { get; private set; }

    public long Tokens { get; private set; }

    /// <summary>All that the training needs to go on from here.</summary>
    public TrainingCheckpoint Checkpoint => new(Step, Parameters, Optimizer);

    /// <summary>Trains to the last step.</summary>
    /// <param name="examples">The n-th example of a step; asked for in order until a microbatch is full, a step ahead and on another thread.</param>
    /// <param name="report">Called after every step.</param>
    /// <param name="cancellationToken">Ends the training between two steps.</param>
    public void Run(Func<int, int, TrainingExample> examples, Action<TrainingProgress> report, CancellationToken cancellationToken)
    {
        while (Step < _options.Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            report(Next(examples));
        }
    }

    /// <summary>One step. The next one's examples are drawn meanwhile, from the same function: later calls have to pass it too.</summary>
    public TrainingProgress Next(Func<int, int, TrainingExample> examples)
    {
        // The step after this one is drawn while this one's gradients are computed.
        var batches = _ahead is { } ahead && ahead.Step == Step ? ahead.Batches.GetAwaiter().GetResult() : Batches(examples, Step);
        var following = Step + 1;
        _ahead = following < _options.Steps ? (following, Task.Run(() => Batches(examples, following))) : null;
        var total = batches.Sum(batch => batch.Sum(example => example.TotalWeight));
        var losses = new double[batches.Count];
        Parallel.For(0, _workers.Length, new ParallelOptions { MaxDegreeOfParallelism = _workers.Length }, worker =>
        {
            for (var batch = worker; batch < batches.Count; batch += _workers.Length)
            {
                _gradients[batch].Clear();
                losses[batch] = _workers[worker].Accumulate(batches[batch], total, _gradients[batch]);
            }
        });

        var norm = Math.Sqrt(TensorSet.Sum(_gradients, _options.Threads));
        Step++;
        Tokens += batches.Sum(batch => batch.Sum(example => example.Rows));
        Optimizer.Step(Parameters, _gradients[0], Step, LearningRate(), _options.WeightDecay, (float)Math.Min(1, _options.ClipNorm / Math.Max(norm, 1e-12)), _options.Threads);
        _weights.Refresh(Parameters, _options.Threads);
        return new TrainingProgress(Step, _options.Steps, losses.Sum() / total, Tokens, norm);
    }

    // A microbatch takes examples while they fit; the first that does not begins the next one.
    private List<List<TrainingExample>> Batches(Func<int, int, TrainingExample> examples, int step)
    {
        var batches = new List<List<TrainingExample>>();
        var next = 0;
        var example = examples(step, next++);
        while (batches.Count < _options.Microbatches)
        {
            var (batch, rows) = (new List<TrainingExample>(), 0);
            do
            {
                batch.Add(example);
                rows += example.Rows;
                example = examples(step, next++);
            }
            while (rows + example.Rows <= _options.MicrobatchTokens);

            batches.Add(batch);
        }

        return batches;
    }

    // Warm-up, plateau, decay: until the decay begins, nothing depends on where the end is, so a training can be prolonged from a checkpoint.
    private double LearningRate()
    {
        var warm = Math.Min(1, (double)Step / _options.WarmupSteps);
        var decaySteps = (int)(_options.Steps * _options.DecayShare);
        var decayed = Math.Max(0, (double)(Step - (_options.Steps - decaySteps)) / Math.Max(1, decaySteps));
        return _options.LearningRate * warm * (1 - (1 - FinalLearningRate) * decayed);
    }
}
