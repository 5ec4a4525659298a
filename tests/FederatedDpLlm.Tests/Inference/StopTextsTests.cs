using CsCheck;
using FederatedDpLlm.Inference;

namespace FederatedDpLlm.Tests.Inference;

public sealed class StopTextsTests
{
    private static readonly Gen<string> Text = Gen.String[Gen.Char["abc"], 1, 4];

    [Fact]
    public void An_answer_ends_at_the_stop_text_that_is_whole_first_whatever_pieces_it_comes_in() =>
        Gen.Select(Text.List[0, 4], Gen.String[Gen.Char["abc"], 0, 4].List[0, 12]).Sample(
            (stops, pieces) =>
            {
                var (stop, whole, shown) = (new StopTexts(stops), string.Concat(pieces), "");
                var (end, cut) = Enumerable.Range(0, whole.Length + 1)
                    .Select(end => (End: end, Longest: stops.Where(one => whole[..end].EndsWith(one, StringComparison.Ordinal)).Select(one => one.Length).DefaultIfEmpty(0).Max()))
                    .Where(place => place.Longest > 0).Select(place => (place.End, place.End - place.Longest)).FirstOrDefault((whole.Length + 1, whole.Length));
                var read = 0;
                foreach (var piece in pieces)
                {
                    shown += stop.Push(piece);
                    read += piece.Length;
                    Assert.Equal(read >= end, stop.Found);

                    // As much is shown as can be: all but what may still become a stop text.
                    var held = Enumerable.Range(0, read + 1).First(start => start == read || stops.Any(one => one.Length > read - start && one.StartsWith(whole[start..read], StringComparison.Ordinal)));
                    Assert.Equal(stop.Found ? whole[..cut] : whole[..held], shown);
                }

                Assert.Equal(whole[..cut], shown + stop.Rest());
                Assert.Equal("", stop.Rest());
            },
            iter: 3000);
}
