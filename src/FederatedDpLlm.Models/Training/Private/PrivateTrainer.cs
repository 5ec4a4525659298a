using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// DP-SGD (Abadi et al., arXiv:1607.00133) with AdamW: each step draws a Poisson subset, clips every example's gradient, adds them up on a grid, adds discrete
/// Gaussian noise there, and lets the optimiser see nothing else.
/// </summary>
internal sealed unsafe class PrivateTrainer
{
    private readonly PrivateTrainingOptions _options;
    private readonly IReadOnlyList<TrainingExample> _examples;
    private readonly StepRandomness _randomness;
    private readonly LlamaWeights _weights;
    private readonly Worker[] _workers;
    private readonly BatchGaussianSampler? _noise;
    private readonly long[] _drawn;

    public PrivateTrainer(
        ModelConfiguration shape, TrainedParameters trained, IReadOnlyList<TrainingExample> examples, PrivateTrainingOptions options, StepRandomness randomness,
        TrainingCheckpoint? checkpoint = null)
    {
        (_options, _examples, _randomness, Trained, Step) = (options.Checked(examples), examples, randomness, trained, checkpoint?.Step ?? 0);
        checkpoint?.Parameters.CopyTo(trained.Values);
        Optimizer = checkpoint?.Optimizer ?? new AdamW(trained.Values.Shapes);
        trained.Apply();
        _weights = new LlamaWeights(shape, trained.Effective);
        _workers = [.. Enumerable.Range(0, options.Threads).Select(_ => new Worker(shape, _weights, trained, options.PassTokens))];
        Released = TensorSet.Zeros(trained.Values.Shapes);
        var dimension = _workers[0].Sum.Dimension;
        _noise = options.NoiseMultiplier > 0 ? BatchGaussianSampler.AtLeast(options.NoiseMultiplier * GridSum.Sensitivity(dimension)) : null;
        _drawn = GC.AllocateArray<long>(dimension, pinned: true);
        Account = new TrainingAccount(options, (_noise?.Distance ?? 0) * dimension);
    }

    public TrainedParameters Trained { get; }

    public AdamW Optimizer { get; }

    public TrainingAccount Account { get; }

    /// <summary>The last step's noisy mean gradient: all that the optimiser saw.</summary>
    public TensorSet Released { get; }

    /// <summary>Steps done.</summary>
    public int Step { get; private set; }

    public long Tokens { get; private set; }

    /// <summary>All that the training needs to go on from here, but for its secret.</summary>
    public TrainingCheckpoint Checkpoint => new(Step, Trained.Values, Optimizer);

    /// <summary>Trains to the last step.</summary>
    public void Run(Action<PrivateTrainingProgress> report, CancellationToken cancellationToken)
    {
        while (Step < _options.Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            report(Next());
        }
    }

    /// <summary>One step.</summary>
    public PrivateTrainingProgress Next()
    {
        using var random = _randomness.Of(Step);
        var passes = Passes(PoissonSubset.Draw(_examples.Count, _options.SamplingRate, random));

        // The noise is drawn beside the gradients, which do not need each other.
        Parallel.For(0, _workers.Length + 1, new ParallelOptions { MaxDegreeOfParallelism = _workers.Length }, worker =>
        {
            if (worker == _workers.Length)
            {
                _noise?.Fill(_drawn, random);
                return;
            }

            _workers[worker].Begin();
            for (var pass = worker; pass < passes.Count; pass += _workers.Length)
            {
                _workers[worker].Add(passes[pass], _options.ClipNorm);
            }

            _workers[worker].End();
        });

        Release();
        Step++;
        Optimizer.Step(Trained.Values, Released, Step, _options.LearningRate, weightDecay: 0, gradientScale: 1, _options.Threads);
        Trained.Apply();
        _weights.Refresh(Trained.Effective, _options.Threads);
        return Progress(passes);
    }

    // The one place where anything of the examples leaves the step: the workers' sums on the grid, with noise; the rest is post-processing.
    private void Release()
    {
        var unit = Math.ScaleB(_options.ClipNorm, -GridSum.GridBits) / _options.ExpectedBatch;
        Parallel.For(0, Released.Shapes.Count, new ParallelOptions { MaxDegreeOfParallelism = _options.Threads }, tensor =>
        {
            var place = _workers[0].Sum.Of(tensor);
            var steps = _workers[0].Sum.Values[place];
            foreach (var worker in _workers.AsSpan(1))
            {
                Add(steps, worker.Sum.Values[place]);
            }

            Add(steps, _drawn.AsSpan(place));
            var values = Released[Released.Shapes[tensor].Name].Span;
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = (float)(steps[i] * unit);
            }
        });
    }

    private static void Add(Span<long> sum, ReadOnlySpan<long> added)
    {
        for (var i = 0; i < sum.Length; i++)
        {
            sum[i] += added[i];
        }
    }

    private List<List<TrainingExample>> Passes(List<int> drawn)
    {
        var passes = new List<List<TrainingExample>>();
        var rows = 0;
        foreach (var example in drawn.Select(index => _examples[index]))
        {
            if (passes.Count == 0 || rows + example.Rows > _options.PassTokens)
            {
                passes.Add([]);
                rows = 0;
            }

            passes[^1].Add(example);
            rows += example.Rows;
        }

        return passes;
    }

    private PrivateTrainingProgress Progress(List<List<TrainingExample>> passes)
    {
        var examples = passes.Sum(pass => pass.Count);
        Tokens += passes.Sum(pass => pass.Sum(example => example.Rows));
        return new PrivateTrainingProgress(
            Step, _options.Steps, examples, _workers.Sum(worker => worker.Loss) / examples, (double)_workers.Sum(worker => worker.Clipped) / examples, Tokens,
            Account.EpsilonAfter(Step));
    }

    /// <summary>One thread's memory.</summary>
    private sealed class Worker(ModelConfiguration shape, LlamaWeights weights, TrainedParameters trained, int rows)
    {
        private readonly LlamaBackward _backward = new(weights, trained.Effective, rows);
        private readonly GradientBook _book = new(shape, rows);
        private readonly ExampleGradients _gradients = trained.Gradients(Math.Min(rows, shape.Context));
        private readonly double[] _norms = new double[rows];

        public GridSum Sum { get; } = new(trained.Values.Shapes);

        public double Loss { get; private set; }

        public int Clipped { get; private set; }

        public void Begin()
        {
            Sum.Clear();
            (Loss, Clipped) = (0, 0);
        }

        public void End() => Sum.Settle();

        public void Add(IReadOnlyList<TrainingExample> pass, double clipNorm)
        {
            Loss += _backward.Record(pass, _book);
            _gradients.AddClipped(_book, clipNorm, Sum, _norms);
            Clipped += _norms.AsSpan(0, pass.Count).ToArray().Count(norm => norm > clipNorm);
        }
    }
}
