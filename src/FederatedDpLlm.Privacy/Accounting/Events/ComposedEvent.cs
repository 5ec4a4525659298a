using System.Collections.Immutable;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Several events on the same units, one after another or interleaved. All under one relation: there is no silent mixing.</summary>
public sealed record ComposedEvent : PrivacyEvent
{
    /// <param name="relation">The relation of every part.</param>
    /// <param name="parts">May be empty (nothing was released).</param>
    /// <exception cref="ArgumentException">A part has another relation.</exception>
    public ComposedEvent(NeighbouringRelation relation, params IEnumerable<PrivacyEvent> parts)
        : base(relation)
    {
        Parts = [.. parts];
        if (Parts.FirstOrDefault(part => part.Relation != relation) is { } stranger)
        {
            throw new ArgumentException($"Events of one composition share their neighbouring relation: {stranger.Relation} is not {relation}.", nameof(parts));
        }
    }

    /// <summary>In the order of release; accountants do not depend on it.</summary>
    public ImmutableArray<PrivacyEvent> Parts { get; }

    /// <inheritdoc/>
    public bool Equals(ComposedEvent? other) => other is not null && Relation == other.Relation && Parts.SequenceEqual(other.Parts);

    /// <inheritdoc/>
    public override int GetHashCode() => Parts.Aggregate(Relation.GetHashCode(), HashCode.Combine);
}
