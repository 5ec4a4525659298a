using System.Collections.Immutable;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// Gaussian noise on a sum whose sensitivity is itself random: the unit contributes <c>Sensitivities[j]</c> with probability <c>Probabilities[j]</c>. A Poisson-sampled
/// Gaussian is the mixture of 0 and the sensitivity.
/// </summary>
/// <remarks>Choquette-Choo, Ganesh, Steinke, Thakurta, arXiv:2310.15526 (their lemma on mixtures of Gaussians).</remarks>
public sealed record MixtureOfGaussiansEvent : PrivacyEvent
{
    /// <param name="sigma">Standard deviation of the noise; 0 protects nothing.</param>
    /// <param name="sensitivities">At least 0 each, at least one.</param>
    /// <param name="probabilities">As many; they add up to 1 within 1e-9 and are scaled to do so exactly.</param>
    /// <param name="relation">Add-or-remove, or replace-by-nothing (the same pair).</param>
    public MixtureOfGaussiansEvent(double sigma, IEnumerable<double> sensitivities, IEnumerable<double> probabilities, NeighbouringRelation relation)
        : base(relation)
    {
        Sigma = Require.NotNegative(sigma);
        Sensitivities = [.. sensitivities];
        Probabilities = [.. probabilities];
        var total = Probabilities.Sum();
        if (relation == NeighbouringRelation.ReplaceOne || Sensitivities.Length == 0 || Sensitivities.Length != Probabilities.Length
            || Sensitivities.Any(s => !(s >= 0 && double.IsFinite(s))) || Probabilities.Any(p => !(p >= 0)) || !(Math.Abs(total - 1) <= 1e-9))
        {
            throw new ArgumentException("A mixture has as many probabilities (adding up to 1) as sensitivities (at least 0), and no replace relation.", nameof(probabilities));
        }

        Probabilities = [.. Probabilities.Select(p => p / total)];
    }

    /// <summary>Standard deviation of the noise.</summary>
    public double Sigma { get; }

    /// <summary>What the unit may contribute.</summary>
    public ImmutableArray<double> Sensitivities { get; }

    /// <summary>How likely each is.</summary>
    public ImmutableArray<double> Probabilities { get; }

    /// <inheritdoc/>
    public bool Equals(MixtureOfGaussiansEvent? other) =>
        other is not null && Relation == other.Relation && Sigma.Equals(other.Sigma) && Sensitivities.SequenceEqual(other.Sensitivities) && Probabilities.SequenceEqual(other.Probabilities);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Relation, Sigma, Sensitivities.Length, Sensitivities[0], Probabilities[0]);
}
