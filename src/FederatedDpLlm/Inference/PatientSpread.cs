using FederatedDpLlm.Privacy;

namespace FederatedDpLlm.Inference;

/// <summary>
/// A patient may be known at several hospitals. Policy names the most hospitals k that are counted with (default 2), and a node's data account is charged for all of them.
/// </summary>
public sealed record PatientSpread
{
    /// <param name="hospitals">The k of the policy: at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="hospitals"/> is below 1.</exception>
    public PatientSpread(int hospitals = 2)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hospitals, 1);
        Hospitals = hospitals;
    }

    /// <summary>k, at least 1.</summary>
    public int Hospitals { get; }

    /// <summary>
    /// What one answer's cost becomes on a node's data account. Noise at the nodes: k separate noised releases read the patient, so k times rho.
    /// Noise at the router: the patient moves k voters of one release, so its sensitivity is k times and rho k squared times
    /// (group privacy of zCDP: Bun, Steinke, arXiv:1605.02065, Proposition 1.9).
    /// </summary>
    public Rho Charge(Rho rho, NoisePlace noise) => new(noise == NoisePlace.Node ? rho.Value * Hospitals : rho.Value * Hospitals * Hospitals);
}
