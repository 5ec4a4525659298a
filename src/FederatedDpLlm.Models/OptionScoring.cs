using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models;

/// <summary>The likelihood of options after contexts: forks of the contexts read the options, all at once. Disposed, the forks' memory is free.</summary>
internal sealed class OptionScoring : IDisposable
{
    private readonly List<KvSequence> _forks = [];

    /// <param name="contexts">Stay as they are.</param>
    /// <param name="options">Each of at least one token.</param>
    /// <param name="first">The log-likelihood of an option's first token after a context.</param>
    public OptionScoring(IReadOnlyList<KvSequence> contexts, IReadOnlyList<IReadOnlyList<int>> options, Func<int, int, double> first)
    {
        Scores = [.. contexts.Select((_, context) => options.Select(option => first(context, option[0])).ToArray())];
        var (chunks, places) = (new List<SequenceChunk>(), new List<(int Context, int Option)>());
        for (var context = 0; context < contexts.Count; context++)
        {
            for (var option = 0; option < options.Count; option++)
            {
                if (options[option].Count > 1)
                {
                    _forks.Add(contexts[context].Fork());
                    chunks.Add(new SequenceChunk(_forks[^1], options[option].Take(options[option].Count - 1).ToArray(), LogitsWanted.All));
                    places.Add((context, option));
                }
            }
        }

        Work = new ForwardWork(chunks, (chunk, token, logits) =>
        {
            var (context, option) = places[chunk];
            Scores[context][option] += LogLikelihood.Of(logits, options[option][token + 1]);
        });
    }

    public ForwardWork Work { get; }

    /// <summary>[context][option]: natural logarithm, summed over the option's tokens; whole once <see cref="Work"/> is done.</summary>
    public double[][] Scores { get; }

    public void Dispose() => _forks.ForEach(fork => fork.Dispose());
}
