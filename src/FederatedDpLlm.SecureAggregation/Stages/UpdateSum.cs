namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The running sum of hidden updates.</summary>
internal abstract class UpdateSum
{
    /// <summary>The length of one hidden update in a round.</summary>
    public static long PayloadSizeBytes(RoundParameters parameters) => parameters.Mode switch
    {
        AggregationMode.Homomorphic => EncryptedUpdateSum.SizeBytes(parameters),
        AggregationMode.Committee => CommitteeUpdateSum.SizeBytes(parameters),
        _ => MaskedUpdateSum.SizeBytes(parameters),
    };

    /// <summary>The sum of nothing, for a round's mode.</summary>
    public static UpdateSum For(RoundParameters parameters) => parameters.Mode switch
    {
        AggregationMode.Homomorphic => new EncryptedUpdateSum(parameters),
        AggregationMode.Committee => new CommitteeUpdateSum(parameters),
        _ => new MaskedUpdateSum(parameters),
    };

    /// <summary>Adds a hidden update; false, with the sum as it was, where it is malformed.</summary>
    public abstract bool TryAdd(ReadOnlyMemory<byte> payload, int workers);
}
