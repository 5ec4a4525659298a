using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>The slow and obvious forward pass in float64, position by position.</summary>
internal sealed class ReferenceModel<T>(ModelConfiguration shape, TensorSet parameters)
    where T : IReal<T>
{
    private const double Step = 1e-5;

    private readonly Dictionary<string, T[]> _values =
        parameters.Shapes.ToDictionary(tensor => tensor.Name, tensor => parameters[tensor.Name].Span.ToArray().Select(value => T.Of(value)).ToArray());

    public IReadOnlyList<T> this[string name] => _values[name];

    public T Loss(IEnumerable<TrainingExample> batch) => Sum(batch.Select(Loss));

    /// <summary>By differences from both sides at two distances, extrapolated (Richardson): the error falls with the fourth power of the distance.</summary>
    public double Derivative(IReadOnlyList<TrainingExample> batch, string name, int index)
    {
        var value = _values[name][index];
        double Difference(double step)
        {
            _values[name][index] = T.Of(value.Value + step);
            var above = Loss(batch).Value;
            _values[name][index] = T.Of(value.Value - step);
            var below = Loss(batch).Value;
            _values[name][index] = value;
            return (above - below) / (2 * step);
        }

        return (4 * Difference(Step * 16) - Difference(Step * 32)) / 3;
    }

    private T Loss(TrainingExample example)
    {
        var keys = Enumerable.Range(0, shape.Layers).Select(_ => new List<T[]>()).ToList();
        var values = Enumerable.Range(0, shape.Layers).Select(_ => new List<T[]>()).ToList();
        var loss = T.Of(0);
        for (var position = 0; position + 1 < example.Tokens.Count; position++)
        {
            var logits = Forward(example.Tokens[position], position, keys, values);
            var max = T.Of(logits.Max(logit => logit.Value));
            var logSum = max + T.Log(Sum(logits.Select(logit => T.Exp(logit - max))));
            loss += T.Of(example.Weights[position + 1]) * (logSum - logits[example.Tokens[position + 1]]);
        }

        return loss;
    }

    private T[] Forward(int token, int position, List<List<T[]>> keys, List<List<T[]>> values)
    {
        var x = _values[TensorNames.Embedding].Skip(token * shape.Width).Take(shape.Width).ToArray();
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            var normed = Norm(x, TensorNames.AttentionNorm(layer));
            var query = Rotate(NormHeads(Biased(normed, part => TensorNames.Query(layer, part)), TensorNames.QueryNorm(layer)), position);
            keys[layer].Add(Rotate(NormHeads(Biased(normed, part => TensorNames.Key(layer, part)), TensorNames.KeyNorm(layer)), position));
            values[layer].Add(Biased(normed, part => TensorNames.Value(layer, part)));
            x = Sum(x, Linear(Attend(query, keys[layer], values[layer]), TensorNames.Output(layer)));
            var inner = Norm(x, TensorNames.FeedForwardNorm(layer));
            var hidden = Linear(inner, TensorNames.Gate(layer)).Zip(Linear(inner, TensorNames.Up(layer)), (gate, up) => gate / (T.Of(1) + T.Exp(T.Of(0) - gate)) * up).ToArray();
            x = Sum(x, Linear(hidden, TensorNames.Down(layer)));
        }

        return Linear(Norm(x, TensorNames.FinalNorm), shape.TiedHead ? TensorNames.Embedding : TensorNames.Head);
    }

    private T[] Attend(T[] query, List<T[]> keys, List<T[]> values)
    {
        var result = new T[shape.QueryWidth];
        for (var head = 0; head < shape.Heads; head++)
        {
            var (own, shared) = (head * shape.HeadSize, head / (shape.Heads / shape.KeyValueHeads) * shape.HeadSize);
            var scores = keys.Select(key => Sum(Enumerable.Range(0, shape.HeadSize).Select(i => query[own + i] * key[shared + i])) / T.Of(Math.Sqrt(shape.HeadSize))).ToArray();
            var max = T.Of(scores.Max(score => score.Value));
            var weights = scores.Select(score => T.Exp(score - max)).ToArray();
            var total = Sum(weights);
            for (var i = 0; i < shape.HeadSize; i++)
            {
                result[own + i] = Sum(values.Select((value, t) => weights[t] / total * value[shared + i]));
            }
        }

        return result;
    }

    private T[] Rotate(T[] heads, int position)
    {
        var (rotated, half) = ((T[])heads.Clone(), shape.HeadSize / 2);
        for (var i = 0; i < heads.Length; i++)
        {
            var within = i % shape.HeadSize;
            var angle = position * Math.Pow(shape.RotaryTheta, -2.0 * (within % half) / shape.HeadSize);
            rotated[i] = within < half
                ? heads[i] * T.Of(Math.Cos(angle)) - heads[i + half] * T.Of(Math.Sin(angle))
                : heads[i] * T.Of(Math.Cos(angle)) + heads[i - half] * T.Of(Math.Sin(angle));
        }

        return rotated;
    }

    private T[] Linear(T[] x, string name) =>
        [.. Enumerable.Range(0, _values[name].Length / x.Length).Select(row => Sum(x.Select((value, i) => value * _values[name][row * x.Length + i])))];

    private T[] Biased(T[] x, Func<string, string> part)
    {
        var y = Linear(x, part("weight"));
        return shape.AttentionBias ? Sum(y, _values[part("bias")]) : y;
    }

    private T[] NormHeads(T[] heads, string name) => shape.QueryKeyNorm ? [.. heads.Chunk(shape.HeadSize).SelectMany(head => Norm(head, name))] : heads;

    private T[] Norm(T[] x, string name)
    {
        var factor = T.Of(1) / T.Sqrt(Sum(x.Select(value => value * value)) / T.Of(x.Length) + T.Of(shape.NormEpsilon));
        return [.. x.Select((value, i) => value * factor * _values[name][i])];
    }

    private static T[] Sum(T[] a, T[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static T Sum(IEnumerable<T> values) => values.Aggregate((a, b) => a + b);
}
