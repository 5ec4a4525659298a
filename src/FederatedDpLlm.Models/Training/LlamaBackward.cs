using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training;

/// <summary>
/// The hand-written backward pass: from examples to the gradients of every parameter, on one thread, every sum in a fixed order. One instance works on one
/// batch at a time.
/// </summary>
internal sealed unsafe class LlamaBackward
{
    private readonly LlamaWeights _weights;
    private readonly TensorSet _parameters;
    private readonly ModelConfiguration _shape;
    private readonly ForwardWorkspace _forward;
    private readonly BackwardWorkspace _work;
    private readonly KvBlockPool _pool;

    /// <param name="weights">The packed form of <paramref name="parameters"/>.</param>
    /// <param name="parameters">The row-major master copy.</param>
    /// <param name="rows">Most tokens of a batch.</param>
    public LlamaBackward(LlamaWeights weights, TensorSet parameters, int rows)
    {
        (_weights, _parameters, _shape) = (weights, parameters, weights.Shape);
        _forward = new ForwardWorkspace(_shape, rows, keepActivations: true);
        _work = new BackwardWorkspace(_shape, rows);
        _pool = new KvBlockPool(new KvLayout(_shape));
    }

    /// <summary>Adds the gradient of (sum of weighted losses) / <paramref name="totalWeight"/> to <paramref name="gradients"/>.</summary>
    /// <returns>The sum of weighted losses, in nats.</returns>
    public double Accumulate(IReadOnlyList<TrainingExample> batch, double totalWeight, TensorSet gradients) =>
        Run(batch, totalWeight, new SummedGradients(gradients));

    /// <summary>Keeps what every example's own gradient is made of; an example's loss is the mean of its weighted tokens'.</summary>
    /// <returns>The sum of the examples' losses, in nats a token.</returns>
    public double Record(IReadOnlyList<TrainingExample> batch, GradientBook book)
    {
        book.Open(batch);
        return Run(batch, totalWeight: null, book);
    }

    // Without a total weight, every example's loss is a mean of its own.
    private double Run(IReadOnlyList<TrainingExample> batch, double? totalWeight, IGradientReceiver gradients)
    {
        var sequences = batch.Select(_ => new KvSequence(_pool)).ToList();
        try
        {
            var rows = LlamaForward.Run(
                _weights,
                [.. batch.Select((example, i) => new SequenceChunk(sequences[i], example.Tokens.Take(example.Rows).ToArray(), LogitsWanted.All))],
                _forward);
            var loss = LossGradient(batch, totalWeight);
            Backward(batch, sequences, rows, gradients);
            return loss;
        }
        finally
        {
            sequences.ForEach(sequence => sequence.Dispose());
        }
    }

    // Cross-entropy: the logits turn into their own gradients, weight / total * (softmax - target).
    private double LossGradient(IReadOnlyList<TrainingExample> batch, double? totalWeight)
    {
        var (loss, row) = (0.0, 0);
        foreach (var example in batch)
        {
            var total = totalWeight ?? example.TotalWeight;
            var unit = totalWeight is null ? total : 1;
            for (var i = 0; i < example.Rows; i++, row++)
            {
                var logits = _forward.Logits.Pointer + (nint)row * _shape.Vocabulary;
                var (target, weight) = (example.Tokens[i + 1], example.Weights[i + 1]);
                AttentionKernel.Softmax(logits, _shape.Vocabulary);
                loss -= weight / unit * Math.Log(Math.Max(logits[target], float.Epsilon));
                logits[target] -= 1;
                Elementwise.Scale(logits, (float)(weight / total), _shape.Vocabulary);
            }
        }

        return loss;
    }

    private void Backward(IReadOnlyList<TrainingExample> batch, List<KvSequence> sequences, int rows, IGradientReceiver gradients)
    {
        var head = _shape.TiedHead ? TensorNames.Embedding : TensorNames.Head;
        Linear(head, rows, _forward.Logits, _forward.FinalInput, _work.Normed, gradients, accumulate: false, _forward.Logits);
        _work.Stream.Span.Clear();
        Norm(TensorNames.FinalNorm, rows, _forward.Output, gradients);
        for (var layer = _shape.Layers - 1; layer >= 0; layer--)
        {
            FeedForward(layer, rows, gradients);
            Attention(layer, batch, sequences, rows, gradients);
        }

        gradients.Embedding(_forward.RowToken.AsSpan(0, rows), _work.Stream);
    }

    private void FeedForward(int layer, int rows, IGradientReceiver gradients)
    {
        var keep = _forward.Layers[layer];
        Linear(TensorNames.Down(layer), rows, _work.Stream, keep.Hidden, _work.Gate, gradients, accumulate: false);
        Elementwise.SwiGluBackward(keep.Gate.Pointer, keep.Up.Pointer, _work.Gate.Pointer, _work.Up.Pointer, rows * _shape.FeedForwardWidth);
        Linear(TensorNames.Gate(layer), rows, _work.Gate, keep.FeedForwardInput, _work.Normed, gradients, accumulate: false, keep.Gate);
        Linear(TensorNames.Up(layer), rows, _work.Up, keep.FeedForwardInput, _work.Normed, gradients, accumulate: true, keep.Up);
        Norm(TensorNames.FeedForwardNorm(layer), rows, keep.Middle, gradients);
    }

    private void Attention(int layer, IReadOnlyList<TrainingExample> batch, List<KvSequence> sequences, int rows, IGradientReceiver gradients)
    {
        var keep = _forward.Layers[layer];
        Linear(TensorNames.Output(layer), rows, _work.Stream, keep.Attended, _work.Attended, gradients, accumulate: false);
        for (var (i, first) = (0, 0); i < batch.Count; first += batch[i].Rows, i++)
        {
            AttentionBackward.Run(_shape, layer, sequences[i], keep, _work, first, batch[i].Rows);
        }

        for (var row = 0; row < rows; row++)
        {
            _weights.Rotary.Rotate(_work.Query.Pointer + (nint)row * _shape.QueryWidth, _shape.Heads, _forward.RowPosition[row], backward: true);
            _weights.Rotary.Rotate(_work.Key.Pointer + (nint)row * _shape.KeyValueWidth, _shape.KeyValueHeads, _forward.RowPosition[row], backward: true);
        }

        var query = HeadNorm(TensorNames.QueryNorm(layer), rows, keep.QueryBeforeNorm, _work.Query, keep.Query, gradients);
        var key = HeadNorm(TensorNames.KeyNorm(layer), rows, keep.KeyBeforeNorm, _work.Key, keep.Key, gradients);
        if (_shape.AttentionBias)
        {
            Bias(TensorNames.Query(layer, "bias"), rows, query, gradients);
            Bias(TensorNames.Key(layer, "bias"), rows, key, gradients);
            Bias(TensorNames.Value(layer, "bias"), rows, _work.Value, gradients);
        }

        Linear(TensorNames.Query(layer), rows, query, keep.AttentionInput, _work.Normed, gradients, accumulate: false, keep.Query);
        Linear(TensorNames.Key(layer), rows, key, keep.AttentionInput, _work.Normed, gradients, accumulate: true, keep.Key);
        Linear(TensorNames.Value(layer), rows, _work.Value, keep.AttentionInput, _work.Normed, gradients, accumulate: true, keep.Value);
        Norm(TensorNames.AttentionNorm(layer), rows, keep.Input, gradients);
    }

    // y = x W^T: the gradient of x is dy W (written or added to inputGradient), that of W is dy^T x, which the receiver makes of its two factors. In spare
    // lies an activation that nothing reads any more.
    private void Linear(
        string name, int rows, FloatBuffer outputGradient, FloatBuffer input, FloatBuffer inputGradient, IGradientReceiver gradients, bool accumulate, FloatBuffer? spare = null)
    {
        var (outputs, inputs) = ShapeOf(name);
        MatrixProduct.Multiply(
            rows, inputs, outputs, outputGradient.Pointer, outputs, 1, _parameters[name].Pointer, inputs, inputGradient.Pointer, inputs, accumulate);
        gradients.Linear(name, rows, outputGradient, input, spare);
    }

    // Each head by itself, all with one gain. The normed activation is not read any more: the gradient of what was normed takes its place.
    private FloatBuffer HeadNorm(string name, int rows, FloatBuffer? input, FloatBuffer outputGradient, FloatBuffer inputGradient, IGradientReceiver gradients)
    {
        if (input is null)
        {
            return outputGradient;
        }

        inputGradient.Span.Clear();
        var (gain, size) = (_parameters[name], _shape.HeadSize);
        var heads = input.Length / (_forward.Rows * size);
        for (var at = 0; at < rows * heads; at++)
        {
            var place = (nint)at * size;
            RmsNorm.Backward(
                input.Pointer + place, gain.Pointer, outputGradient.Pointer + place, inputGradient.Pointer + place, gradients.Vector(name, at / heads), size,
                (float)_shape.NormEpsilon);
        }

        return inputGradient;
    }

    private void Bias(string name, int rows, FloatBuffer outputGradient, IGradientReceiver gradients)
    {
        var width = _parameters.ShapeOf(name).Columns;
        for (var row = 0; row < rows; row++)
        {
            Elementwise.Add(gradients.Vector(name, row), outputGradient.Pointer + (nint)row * width, width);
        }
    }

    // The residual stream's gradient passes by; the normed branch's is added to it.
    private void Norm(string name, int rows, FloatBuffer input, IGradientReceiver gradients)
    {
        var width = _shape.Width;
        for (var row = 0; row < rows; row++)
        {
            var at = (nint)row * width;
            RmsNorm.Backward(
                input.Pointer + at, _parameters[name].Pointer, _work.Normed.Pointer + at, _work.Stream.Pointer + at, gradients.Vector(name, row), width,
                (float)_shape.NormEpsilon);
        }
    }

    private (int Outputs, int Inputs) ShapeOf(string name)
    {
        var shape = _parameters.ShapeOf(name);
        return (shape.Rows, shape.Columns);
    }
}
