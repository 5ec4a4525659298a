using CsCheck;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Inference.Voters;

namespace FederatedDpLlm.Tests.Inference.Voters;

public sealed class ShardIndexTests
{
    private static readonly Gen<string> Text = Gen.Int[0, 15].Array[1, 30].Select(words => string.Join(' ', words.Select(word => $"w{word}")));

    [Fact]
    public void Ranking_is_that_of_the_formula_written_out() => Check.Sample(Gen.Select(Text.Array[1, 12], Text), pair =>
    {
        var (texts, query) = pair;
        var index = new ShardIndex([.. texts.Select(text => TestHospital.Record("p", text))]);
        var expected = texts.Select((text, i) => (Record: i, Score: Naive(texts, text, query.Split(' ')))).Where(found => found.Score > 0)
            .OrderByDescending(found => found.Score).ThenBy(found => found.Record).Take(5).ToList();
        var best = index.Best(WordTerms.Of(query), 5);
        Assert.Equal(expected.Count, best.Count);
        Assert.All(expected.Zip(best), ranks => Assert.Equal(ranks.First.Score, ranks.Second.Score, 1e-9));
        Assert.All(best, one => Assert.Equal(Naive(texts, texts[one.Record], query.Split(' ')), one.Score, 1e-9));
    });

    [Fact]
    public void An_empty_shard_finds_nothing() => Assert.Empty(new ShardIndex([]).Best(["fever"], 3));

    [Fact]
    public void Terms_are_lower_case_words_and_numbers() =>
        Assert.Equal(["fam", "sochx", "5mg", "über", "i10", "9"], WordTerms.Of("FAM/SOCHX: 5mg, Über -- I10.9"));

    [Fact]
    public void Codes_are_found_like_words()
    {
        var index = new ShardIndex([TestHospital.Record("p", "cough"), new PatientRecord("q", "fever", null, ["J11"])]);
        Assert.Equal(1, Assert.Single(index.Best(WordTerms.Of("J11"), 3)).Record);
    }

    [Fact]
    public void All_records_of_a_patient_meet_in_one_shard_and_none_is_lost()
    {
        PatientRecord[] records = [.. Enumerable.Range(0, 300).Select(i => TestHospital.Record($"p{i % 60}", $"text {i}"))];
        var sharded = new ShardedRecords(records, TestHospital.Key, 16);
        Assert.Equal(16, sharded.Count);
        Assert.Equal(300, sharded.Shards(null).Sum(shard => shard.Records.Count));
        var homes = sharded.Shards(null).SelectMany((shard, i) => shard.Records.Select(record => (record.PatientId, Shard: i))).Distinct().ToList();
        Assert.Equal(60, homes.Count);
        Assert.All(homes, home => Assert.Equal(PatientHash.BucketOf(home.PatientId, TestHospital.Key, 16), home.Shard));
        Assert.Equal(40, new ShardedRecords(records[..2], TestHospital.Key, 40).Count);
    }

    // Robertson and Zaragoza's sum, term by term.
    private static double Naive(string[] texts, string text, string[] query)
    {
        var mean = texts.Average(other => other.Split(' ').Length);
        var score = 0.0;
        foreach (var term in query)
        {
            var holding = texts.Count(other => other.Split(' ').Contains(term));
            var frequency = text.Split(' ').Count(word => word == term);
            var rarity = Math.Log(1 + ((texts.Length - holding + 0.5) / (holding + 0.5)));
            score += rarity * frequency * 2.2 / (frequency + (1.2 * (0.25 + (0.75 * text.Split(' ').Length / mean))));
        }

        return score;
    }
}
