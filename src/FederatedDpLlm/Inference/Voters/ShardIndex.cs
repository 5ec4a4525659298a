using FederatedDpLlm.Inference.Records;

namespace FederatedDpLlm.Inference.Voters;

// References
//   S. Robertson, H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009, section 3.4; the inverse document frequency with 1 added inside
//   the logarithm, as Lucene has it, so that it is never negative.
// Parameters
//   k1 = 1.2, b = 0.75.

/// <summary>The words of one shard's records, for ranking inside that shard. Every statistic (frequencies, lengths) is of this shard alone.</summary>
internal sealed class ShardIndex
{
    private const double K1 = 1.2;
    private const double B = 0.75;
    private readonly string[][] _terms;
    private readonly Dictionary<string, List<Posting>> _postings = new(StringComparer.Ordinal);
    private readonly double _meanLength;

    public ShardIndex(IReadOnlyList<PatientRecord> records)
    {
        Records = records;
        var interned = new Dictionary<string, string>(StringComparer.Ordinal);
        _terms = [.. records.Select(record => WordTerms.Of(record.Text).Concat(record.Codes.SelectMany(WordTerms.Of)).Select(term => Intern(interned, term)).ToArray())];
        TailTerms = [.. records.Select(record => WordTerms.Of(record.Text[(record.Text.LastIndexOf('\n') + 1)..]).Count + record.Codes.Sum(code => WordTerms.Of(code).Count))];
        TermCount = _terms.Sum(terms => (long)terms.Length);
        _meanLength = _terms.Length == 0 ? 0 : _terms.Average(terms => terms.Length);
        for (var record = 0; record < _terms.Length; record++)
        {
            foreach (var group in _terms[record].CountBy(term => term, StringComparer.Ordinal))
            {
                PostingsOf(group.Key).Add(new Posting(record, group.Value));
            }
        }
    }

    public IReadOnlyList<PatientRecord> Records { get; }

    /// <summary>How many of each record's terms stand in its last line and its codes: where labels are.</summary>
    public IReadOnlyList<int> TailTerms { get; }

    /// <summary>All occurrences of terms in the shard.</summary>
    public long TermCount { get; }

    /// <summary>A record's terms in order, its codes last.</summary>
    public ReadOnlySpan<string> TermsOf(int record) => _terms[record];

    /// <summary>The records that hold a term, in order, with how often.</summary>
    public IReadOnlyList<Posting> Holding(string term) => _postings.TryGetValue(term, out var postings) ? postings : [];

    /// <summary>The best-matching records, best first; equal scores in the records' order. A term asked for twice counts twice.</summary>
    /// <param name="query">Terms.</param>
    /// <param name="count">Most records.</param>
    public IReadOnlyList<(int Record, double Score)> Best(IEnumerable<string> query, int count)
    {
        var scores = new double[_terms.Length];
        foreach (var (term, times) in query.CountBy(term => term, StringComparer.Ordinal))
        {
            var postings = Holding(term);
            var rarity = Math.Log(1 + ((_terms.Length - postings.Count + 0.5) / (postings.Count + 0.5)));
            foreach (var (record, frequency) in postings)
            {
                var length = 1 - B + (B * _terms[record].Length / _meanLength);
                scores[record] += times * rarity * frequency * (K1 + 1) / (frequency + (K1 * length));
            }
        }

        return [.. scores.Index().Where(score => score.Item > 0).OrderByDescending(score => score.Item).ThenBy(score => score.Index).Take(count).Select(score => (score.Index, score.Item))];
    }

    private List<Posting> PostingsOf(string term) => _postings.TryGetValue(term, out var postings) ? postings : _postings[term] = [];

    private static string Intern(Dictionary<string, string> interned, string term) => interned.TryAdd(term, term) ? term : interned[term];
}
