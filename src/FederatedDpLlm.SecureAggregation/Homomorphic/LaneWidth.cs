namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>How many lanes the ring's arithmetic runs on; the results are the same bit for bit.</summary>
internal enum LaneWidth
{
    /// <summary>Scalar, on any processor.</summary>
    One = 1,

    /// <summary>AVX2 and FMA.</summary>
    Four = 4,

    /// <summary>AVX-512F.</summary>
    Eight = 8,
}
