using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>How vectors, some of which an attacker may have chosen, become one.</summary>
public abstract record RobustRule
{
    private protected RobustRule()
    {
    }

    /// <summary>Whether it needs sums over all hospitals only, so that it can run under full secrecy.</summary>
    public virtual bool WorksOnSums => false;

    /// <summary>Null where <paramref name="vectors"/> vectors with <paramref name="attackers"/> bad ones are within the rule's theorem.</summary>
    public virtual RobustRefusal? Check(int vectors, int attackers) => vectors < (2L * attackers) + 1 ? RobustRefusal.NoHonestMajority : null;

    /// <summary>Combines vectors in the clear.</summary>
    /// <param name="vectors">At least one; all of one length.</param>
    /// <returns>
    /// The combined vector, or a refusal that blames the vector that is not finite or of another length: such a one would poison distances and medians alike,
    /// so its sender is taken out before the rule runs again.
    /// </returns>
    public Outcome<float[]> Combine(IReadOnlyList<ReadOnlyMemory<float>> vectors)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        ArgumentOutOfRangeException.ThrowIfZero(vectors.Count, nameof(vectors));
        for (var i = 0; i < vectors.Count; i++)
        {
            if (vectors[i].Length != vectors[0].Length)
            {
                return Outcome<float[]>.Refused(RefusalCode.Malformed, i);
            }

            if (!VectorMath.IsFinite(vectors[i].Span))
            {
                return Outcome<float[]>.Refused(RefusalCode.NotFinite, i);
            }
        }

        return Outcome<float[]>.Accepted(CombineFinite(vectors));
    }

    private protected abstract float[] CombineFinite(IReadOnlyList<ReadOnlyMemory<float>> vectors);
}
