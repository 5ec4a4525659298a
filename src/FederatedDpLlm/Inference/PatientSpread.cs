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
    /// How many times an answer's cost is charged to a node's data account. Noise at the nodes: k separate noised releases read the patient, so k times.
    /// Noise at the router: the patient moves k voters of one release, so its sensitivity is k times and rho k squared times
    /// (group privacy of zCDP: Bun, Steinke, arXiv:1605.02065, Proposition 1.9; other currencies grow no faster).
    /// </summary>
    public int Factor(NoisePlace noise) => noise == NoisePlace.Node ? Hospitals : checked(Hospitals * Hospitals);
}
