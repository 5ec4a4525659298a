using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>The slow and obvious forward pass in float64, position by position, with derivatives by central differences.</summary>
internal sealed class ReferenceModel(ModelConfiguration shape, TensorSet parameters)
{
    private const double Step = 1e-5;

    private readonly Dictionary<string, double[]> _values =
        parameters.Shapes.ToDictionary(tensor => tensor.Name, tensor => parameters[tensor.Name].Span.ToArray().Select(value => (double)value).ToArray());

    public double Loss(IEnumerable<TrainingExample> batch) => batch.Sum(Loss);

    public double Derivative(IReadOnlyList<TrainingExample> batch, string name, int index)
    {
        var value = _values[name][index];
        _values[name][index] = value + Step;
        var above = Loss(batch);
        _values[name][index] = value - Step;
        var below = Loss(batch);
        _values[name][index] = value;
        return (above - below) / (2 * Step);
    }

    private double Loss(TrainingExample example)
    {
        var keys = Enumerable.Range(0, shape.Layers).Select(_ => new List<double[]>()).ToList();
        var values = Enumerable.Range(0, shape.Layers).Select(_ => new List<double[]>()).ToList();
        var loss = 0.0;
        for (var position = 0; position + 1 < example.Tokens.Count; position++)
        {
            var logits = Forward(example.Tokens[position], position, keys, values);
            var max = logits.Max();
            var logSum = max + Math.Log(logits.Sum(logit => Math.Exp(logit - max)));
            loss += example.Weights[position + 1] * (logSum - logits[example.Tokens[position + 1]]);
        }

        return loss;
    }

    private double[] Forward(int token, int position, List<List<double[]>> keys, List<List<double[]>> values)
    {
        var x = _values[TensorNames.Embedding].Skip(token * shape.Width).Take(shape.Width).ToArray();
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            var normed = Norm(x, TensorNames.AttentionNorm(layer));
            var query = Rotate(Linear(normed, TensorNames.Query(layer)), position);
            keys[layer].Add(Rotate(Linear(normed, TensorNames.Key(layer)), position));
            values[layer].Add(Linear(normed, TensorNames.Value(layer)));
            x = Sum(x, Linear(Attend(query, keys[layer], values[layer]), TensorNames.Output(layer)));
            var inner = Norm(x, TensorNames.FeedForwardNorm(layer));
            var hidden = Linear(inner, TensorNames.Gate(layer)).Zip(Linear(inner, TensorNames.Up(layer)), (gate, up) => gate / (1 + Math.Exp(-gate)) * up).ToArray();
            x = Sum(x, Linear(hidden, TensorNames.Down(layer)));
        }

        return Linear(Norm(x, TensorNames.FinalNorm), shape.TiedHead ? TensorNames.Embedding : TensorNames.Head);
    }

    private double[] Attend(double[] query, List<double[]> keys, List<double[]> values)
    {
        var result = new double[shape.QueryWidth];
        for (var head = 0; head < shape.Heads; head++)
        {
            var (own, shared) = (head * shape.HeadSize, head / (shape.Heads / shape.KeyValueHeads) * shape.HeadSize);
            var scores = keys.Select(key => Enumerable.Range(0, shape.HeadSize).Sum(i => query[own + i] * key[shared + i]) / Math.Sqrt(shape.HeadSize)).ToArray();
            var weights = scores.Select(score => Math.Exp(score - scores.Max())).ToArray();
            for (var i = 0; i < shape.HeadSize; i++)
            {
                result[own + i] = values.Select((value, t) => weights[t] / weights.Sum() * value[shared + i]).Sum();
            }
        }

        return result;
    }

    private double[] Rotate(double[] heads, int position)
    {
        var (rotated, half) = ((double[])heads.Clone(), shape.HeadSize / 2);
        for (var i = 0; i < heads.Length; i++)
        {
            var within = i % shape.HeadSize;
            var angle = position * Math.Pow(shape.RotaryTheta, -2.0 * (within % half) / shape.HeadSize);
            rotated[i] = within < half
                ? heads[i] * Math.Cos(angle) - heads[i + half] * Math.Sin(angle)
                : heads[i] * Math.Cos(angle) + heads[i - half] * Math.Sin(angle);
        }

        return rotated;
    }

    private double[] Linear(double[] x, string name) =>
        [.. Enumerable.Range(0, _values[name].Length / x.Length).Select(row => x.Select((value, i) => value * _values[name][row * x.Length + i]).Sum())];

    private double[] Norm(double[] x, string name)
    {
        var factor = 1 / Math.Sqrt(x.Sum(value => value * value) / x.Length + shape.NormEpsilon);
        return [.. x.Select((value, i) => value * factor * _values[name][i])];
    }

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];
}
