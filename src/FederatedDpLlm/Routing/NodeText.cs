using FederatedDpLlm.Inference;

namespace FederatedDpLlm.Routing;

/// <summary>Which text of a node can be a part of the answers that were asked for: an option as it stands, or no more than the longest answer holds.</summary>
internal sealed class NodeText(Question question)
{
    // The longest token of the vocabularies in use is a run of a few hundred blanks.
    private const int CharactersPerToken = 512;
    private readonly long[] _characters = new long[question.Answers];
    private readonly int[] _pieces = new int[question.Answers];

    /// <summary>Whether the answers can be whole: each choice has its option.</summary>
    public bool IsWhole => question.Mechanism != AnswerMechanism.Choice || Array.TrueForAll(_characters, length => length > 0);

    /// <summary>How many texts came for an answer: as many tokens ran at least.</summary>
    public int Pieces(int answer) => _pieces[answer];

    public bool Fits(string text, int answer)
    {
        if (answer < 0 || answer >= _characters.Length)
        {
            return false;
        }

        var before = _characters[answer];
        _pieces[answer] += text.Length > 0 ? 1 : 0;
        _characters[answer] += text.Length;
        return question.Mechanism == AnswerMechanism.Choice
            ? before == 0 && question.Choices.Contains(text)
            : _characters[answer] <= (long)CharactersPerToken * question.MaxTokens;
    }
}
