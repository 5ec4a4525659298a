using System.Text;
using FederatedDpLlm.Models.Serving.Constraints.Json;

namespace FederatedDpLlm.Models.Serving.Constraints;

/// <summary>
/// The form that an answer must have: tokens whose bytes do not fit are never drawn, nor those after which the answer could no longer be finished within its
/// longest length. One space may come before the answer, as chat templates have it.
/// </summary>
public sealed class AnswerConstraint
{
    private AnswerConstraint(ByteState form) => Start = new OptionalSpace(form);

    internal ByteState Start { get; }

    /// <summary>One of some texts.</summary>
    /// <exception cref="ArgumentException">There is no choice, or an empty one.</exception>
    public static AnswerConstraint Choice(IReadOnlyList<string> choices)
    {
        ArgumentNullException.ThrowIfNull(choices);
        return choices.Count > 0 && !choices.Any(string.IsNullOrEmpty)
            ? new AnswerConstraint(new Alternatives([.. choices.Distinct(StringComparer.Ordinal).Select(Encoding.UTF8.GetBytes)], 0, ByteState.End))
            : throw new ArgumentException("There has to be at least one choice, and none may be empty.", nameof(choices));
    }

    /// <summary>JSON (RFC 8259) of a shape, without needless spaces: at most one after a comma or a colon.</summary>
    public static AnswerConstraint Json(JsonShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        return new AnswerConstraint(new JsonValue(shape, ByteState.End, 0));
    }
}
