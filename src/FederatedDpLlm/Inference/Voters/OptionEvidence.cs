namespace FederatedDpLlm.Inference.Voters;

// References
//   J. Rennie, L. Shih, J. Teevan, D. Karger, "Tackling the Poor Assumptions of Naive Bayes Text Classifiers", ICML 2003: weights from the complement of a class
//   are steadier than from the class alone where classes are uneven and examples few, which is what a shard is.
//   C. Zhai, J. Lafferty, "A Study of Smoothing Methods for Language Models", TOIS 2004: Dirichlet smoothing towards the collection, here the shard.
// Parameters
//   Prior mu = 100 occurrences, chosen by cross-validation inside a public training set, never on a hospital's own records.

/// <summary>
/// What a shard's records say about which option a question belongs to: records that name an option are examples of it, and each word of the question weighs as much
/// as it is more frequent in the option's examples than in those of the others. Part of one voter, so it reads one shard.
/// </summary>
internal sealed class OptionEvidence
{
    private const double Prior = 100;
    private readonly string[][] _options;
    private readonly List<(string Term, int Times)> _question;

    /// <param name="options">The public options.</param>
    /// <param name="question">The question's terms; words of the options' own names say nothing about which one is right and are left out.</param>
    public OptionEvidence(IReadOnlyList<string> options, IEnumerable<string> question)
    {
        _options = [.. options.Select(option => WordTerms.Of(option).ToArray())];
        var names = _options.SelectMany(terms => terms).ToHashSet(StringComparer.Ordinal);
        _question = [.. question.Where(term => !names.Contains(term)).CountBy(term => term, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value))];
    }

    /// <summary>Log weights, one per option; null where the shard says nothing, that is where fewer than two options have an example. An option without one has minus infinity.</summary>
    public double[]? Weigh(ShardIndex shard)
    {
        var examples = ExamplesOf(shard);
        if (examples.Count(records => records.Count > 0) < 2)
        {
            return null;
        }

        var lengths = examples.Select(records => (double)records.Sum(record => shard.TermsOf(record).Length)).ToArray();
        var weights = examples.Select(records => records.Count > 0 ? 0 : double.NegativeInfinity).ToArray();
        foreach (var (term, times) in _question)
        {
            Add(weights, times, Frequencies(shard, examples, term), lengths, shard.Holding(term).Sum(posting => posting.Frequency) / (double)shard.TermCount);
        }

        return weights;
    }

    // A word that the shard does not hold tells nothing.
    private static void Add(double[] weights, int times, double[] frequencies, double[] lengths, double background)
    {
        if (background == 0)
        {
            return;
        }

        var (all, allLengths) = (frequencies.Sum(), lengths.Sum());
        for (var option = 0; option < weights.Length; option++)
        {
            var own = (frequencies[option] + (Prior * background)) / (lengths[option] + Prior);
            var others = (all - frequencies[option] + (Prior * background)) / (allLengths - lengths[option] + Prior);
            weights[option] += times * Math.Log(own / others);
        }
    }

    private static double[] Frequencies(ShardIndex shard, List<int>[] examples, string term)
    {
        var frequencies = new double[examples.Length];
        foreach (var (record, frequency) in shard.Holding(term))
        {
            for (var option = 0; option < examples.Length; option++)
            {
                frequencies[option] += examples[option].BinarySearch(record) >= 0 ? frequency : 0;
            }
        }

        return frequencies;
    }

    // A record whose last line or codes name options is an example of those; one whose body alone does, of those it names.
    private List<int>[] ExamplesOf(ShardIndex shard)
    {
        var examples = _options.Select(_ => new List<int>()).ToArray();
        for (var record = 0; record < shard.Records.Count; record++)
        {
            var terms = shard.TermsOf(record);
            var tail = Named(terms[^shard.TailTerms[record]..]);
            foreach (var option in tail.Count > 0 ? tail : Named(terms))
            {
                examples[option].Add(record);
            }
        }

        return examples;
    }

    private List<int> Named(ReadOnlySpan<string> terms)
    {
        var named = new List<int>();
        for (var option = 0; option < _options.Length; option++)
        {
            if (_options[option].Length > 0 && terms.IndexOf(_options[option]) >= 0)
            {
                named.Add(option);
            }
        }

        return named;
    }
}
