namespace FederatedDpLlm.Privacy.Auditing;

/// <summary>What runs on neighbouring inputs with shared randomness showed.</summary>
/// <param name="SameDraws">Both inputs drew the same amounts of randomness, in the same order.</param>
/// <param name="SameShape">Both made the same noise calls, with as many numbers.</param>
/// <param name="Repeats">The same randomness gave the same outputs again: there is no other source.</param>
/// <param name="UsesSource">Another stream gave other outputs: the noise is not fixed. Needs two runs or more.</param>
/// <param name="LargestL1">The largest L1 distance at one noise call: at most the declared sensitivity, where noise is added.</param>
/// <param name="LargestL2">The largest L2 distance.</param>
public sealed record GreyBoxFinding(bool SameDraws, bool SameShape, bool Repeats, bool UsesSource, double LargestL1, double LargestL2)
{
    /// <summary>Nothing here contradicts additive noise of this L1 sensitivity from the injected source.</summary>
    public bool AgreesWithL1(double sensitivity) => IsSound && LargestL1 <= sensitivity * (1 + 1e-9);

    /// <summary>Nothing here contradicts additive noise of this L2 sensitivity from the injected source.</summary>
    public bool AgreesWithL2(double sensitivity) => IsSound && LargestL2 <= sensitivity * (1 + 1e-9);

    private bool IsSound => SameDraws && SameShape && Repeats && UsesSource;
}
