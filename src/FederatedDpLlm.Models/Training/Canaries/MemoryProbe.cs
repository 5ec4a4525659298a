using System.Globalization;
using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Training.Canaries;

/// <summary>What a model has kept of notes: exact exposure, recitation, losses.</summary>
/// <remarks>Exposure: Carlini, Liu, Erlingsson, Kos, Song, arXiv:1802.08232, section 4: log2 of the number of candidates less log2 of the rank; here over all of them, not a sample.</remarks>
internal sealed class MemoryProbe(LlamaWeights weights, CanaryNotes notes, int threads)
{
    /// <summary>Leading digits over which exposure is computed: all 10,000 beginnings are compared.</summary>
    public const int RankedDigits = 4;

    private const int ExamplesTogether = 64;
    private readonly BatchedForward _forward = new(weights, threads);
    private readonly KvBlockPool _pool = new(new KvLayout(weights.Shape));

    /// <summary>log2(10,000 / rank) of the number's first digits among all beginnings that it could have: 13.3 bits where it is the likeliest, about 1.4 on average by chance.</summary>
    public double ExposureBits((string Begin, string Number) planted, CancellationToken cancellationToken)
    {
        List<(KvSequence Sequence, double LogLikelihood)> parents = [(new KvSequence(_pool), 0)];
        List<ReadOnlyMemory<int>> tokens = [notes.Prompt(planted)];
        for (var digit = 1; digit < RankedDigits; digit++)
        {
            var children = Children(parents, tokens, cancellationToken);
            var next = children.ConvertAll(child => (parents[child.Parent].Sequence.Fork(), child.LogLikelihood));
            parents.ForEach(parent => parent.Sequence.Dispose());
            (parents, tokens) = (next, [.. children.Select((_, index) => new[] { notes.DigitToken(index % 10) })]);
        }

        var candidates = Children(parents, tokens, cancellationToken).ConvertAll(child => child.LogLikelihood);
        parents.ForEach(parent => parent.Sequence.Dispose());
        var own = candidates[int.Parse(planted.Number[..RankedDigits], CultureInfo.InvariantCulture)];
        return Math.Log2((double)candidates.Count / candidates.Count(candidate => candidate >= own));
    }

    /// <summary>Whether greedy decoding from the note's beginning writes the whole number.</summary>
    public IReadOnlyList<bool> Recited(CancellationToken cancellationToken)
    {
        var sequences = notes.Planted.Select(_ => new KvSequence(_pool)).ToList();
        var next = notes.Planted.Select(planted => (ReadOnlyMemory<int>)notes.Prompt(planted)).ToArray();
        var right = Enumerable.Repeat(true, sequences.Count).ToArray();
        for (var digit = 0; digit < CanaryNotes.Digits; digit++)
        {
            var at = digit;
            _forward.Run(
                [.. sequences.Select((sequence, index) => new SequenceChunk(sequence, next[index], LogitsWanted.Last))],
                (index, _, logits) =>
                {
                    var expected = notes.DigitToken(notes.Planted[index].Number[at] - '0');
                    var likeliest = Likeliest(logits);
                    right[index] &= likeliest == expected;
                    next[index] = new[] { likeliest };
                },
                cancellationToken);
        }

        sequences.ForEach(sequence => sequence.Dispose());
        return right;
    }

    /// <summary>The mean loss of each example, in nats a token.</summary>
    public double[] Losses(IReadOnlyList<TrainingExample> examples, CancellationToken cancellationToken)
    {
        var losses = new double[examples.Count];
        for (var first = 0; first < examples.Count; first += ExamplesTogether)
        {
            var start = first;
            var some = examples.Skip(first).Take(ExamplesTogether).ToList();
            var sequences = some.Select(_ => new KvSequence(_pool)).ToList();
            _forward.Run(
                [.. some.Select((example, index) => new SequenceChunk(sequences[index], example.Tokens.Take(example.Rows).ToArray(), LogitsWanted.All))],
                (index, token, logits) =>
                {
                    var example = some[index];
                    if (example.Weights[token + 1] > 0)
                    {
                        losses[start + index] -= example.Weights[token + 1] * LogLikelihood.Of(logits, example.Tokens[token + 1]) / example.TotalWeight;
                    }
                },
                cancellationToken);
            sequences.ForEach(sequence => sequence.Dispose());
        }

        return losses;
    }

    // The ten digits after each sequence and its new tokens, in order.
    private List<(int Parent, double LogLikelihood)> Children(
        List<(KvSequence Sequence, double LogLikelihood)> parents, List<ReadOnlyMemory<int>> tokens, CancellationToken cancellationToken)
    {
        var children = new List<(int, double)>();
        _forward.Run(
            [.. parents.Select((parent, index) => new SequenceChunk(parent.Sequence, tokens[index], LogitsWanted.Last))],
            (index, _, logits) =>
            {
                for (var digit = 0; digit < 10; digit++)
                {
                    children.Add((index, parents[index].LogLikelihood + LogLikelihood.Of(logits, notes.DigitToken(digit))));
                }
            },
            cancellationToken);
        return children;
    }

    private static int Likeliest(ReadOnlySpan<float> logits)
    {
        var best = 0;
        for (var token = 1; token < logits.Length; token++)
        {
            best = logits[token] > logits[best] ? token : best;
        }

        return best;
    }
}
