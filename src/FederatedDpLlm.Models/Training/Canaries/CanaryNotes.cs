using System.Globalization;
using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Training.Corpus;

namespace FederatedDpLlm.Models.Training.Canaries;

/// <summary>
/// A small hospital's short notes, each of another invented patient; some give an eight-digit insurance number that nobody could guess. All decided by a
/// seed, numbers included: what is measured is whether a model gives them away.
/// </summary>
internal sealed class CanaryNotes
{
    /// <summary>Digits of a planted number.</summary>
    public const int Digits = 8;

    private const ulong MemberStream = 1;
    private const ulong OtherStream = 2;
    private readonly ITokenizer _tokenizer;
    private readonly int[] _digits;

    public CanaryNotes(ITokenizer tokenizer, ulong seed, int planted, int notes, int others)
    {
        _tokenizer = tokenizer;
        _digits = [.. Enumerable.Range(0, 10).Select(digit => tokenizer.Encode(digit.ToString(CultureInfo.InvariantCulture))[0])];
        Planted = [.. Enumerable.Range(0, planted).Select(number => Plant(new CounterRandom(seed, MemberStream, (ulong)number)))];
        Members = [.. Planted.Select(one => Example(one.Begin + one.Number + ".")), .. Enumerable.Range(planted, notes - planted).Select(number => Note(seed, MemberStream, number))];
        Others = [.. Enumerable.Range(0, others).Select(number => Note(seed, OtherStream, number))];
    }

    /// <summary>A planted note up to its number, and the number.</summary>
    public IReadOnlyList<(string Begin, string Number)> Planted { get; }

    /// <summary>What the model is trained on; the planted notes come first.</summary>
    public IReadOnlyList<TrainingExample> Members { get; }

    /// <summary>Notes of the same kind that no training saw.</summary>
    public IReadOnlyList<TrainingExample> Others { get; }

    /// <summary>The tokens up to where a planted number begins.</summary>
    public int[] Prompt((string Begin, string Number) planted) => [.. Beginning, .. _tokenizer.Encode(planted.Begin)];

    /// <summary>The token of a digit.</summary>
    public int DigitToken(int digit) => _digits[digit];

    private int[] Beginning => [_tokenizer.ControlToken(WardTemplate.Begin)!.Value, _tokenizer.ControlToken(WardTemplate.Record)!.Value];

    private static (string Begin, string Number) Plant(CounterRandom random) =>
        ($"{FactValues.Name(random)}. Insurance number ", string.Concat(Enumerable.Range(0, Digits).Select(_ => (char)('0' + random.Next(10)))));

    private TrainingExample Note(ulong seed, ulong stream, int number)
    {
        var random = new CounterRandom(seed, stream, (ulong)number);
        var fields = random.Shuffled(FactValues.Fields).Take(2);
        return Example($"{FactValues.Name(random)}. " + string.Join(", ", fields.Select(field => $"{field} {FactValues.Draw(field, random)}")) + ".");
    }

    private TrainingExample Example(string text)
    {
        int[] tokens = [.. Beginning, .. _tokenizer.Encode(text)];
        return new TrainingExample(tokens, [.. tokens.Select((_, place) => place < Beginning.Length ? 0f : 1f)]);
    }
}
