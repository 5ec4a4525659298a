using FederatedDpLlm.SecureAggregation.Homomorphic;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The sum of uploads of the committee mode: the key encrypted to the committee (two ring elements), then the ciphertext under the key.</summary>
internal sealed class CommitteeUpdateSum : UpdateSum
{
    private const int KeyElements = 2;
    private readonly RoundParameters _parameters;
    private readonly CommitteeParameters _committee;
    private readonly SlotLayout _layout;
    private readonly CiphertextSum _sum;

    public CommitteeUpdateSum(RoundParameters parameters)
    {
        (_parameters, _committee) = (parameters, CommitteeKey.ParametersOf(parameters));
        _layout = new SlotLayout(parameters.ValueBits, parameters.Clients);
        _sum = new CiphertextSum(KeyElements + _layout.ElementsFor(parameters.VectorLength));
    }

    public static long SizeBytes(RoundParameters parameters) =>
        (KeyElements * (long)ResidueFormat.ElementSizeBytes) + KeyAdditiveEncryption.SizeBytes(new SlotLayout(parameters.ValueBits, parameters.Clients), parameters.VectorLength);

    /// <summary>The part of an upload that the committee's answers multiply.</summary>
    public static ReadOnlySpan<byte> SecondPart(ReadOnlySpan<byte> payload) => payload.Slice(ResidueFormat.ElementSizeBytes, ResidueFormat.ElementSizeBytes);

    public override bool TryAdd(ReadOnlyMemory<byte> payload, int workers) => _sum.TryAdd(payload, workers);

    /// <summary>The sum of the keys from t answers, by point; null where they do not fit together.</summary>
    public long[]? OpenKeys(IReadOnlyDictionary<int, RingElement> answers, int survivors)
    {
        using var firstParts = new RingElement();
        _sum.Read(0, firstParts);
        return CommitteeEncryption.Open(_committee, firstParts, answers, survivors);
    }

    /// <summary>The sum of the updates under the sum of the keys; null where it does not open.</summary>
    public int[]? Decrypt(long[] keys, int survivors, ReadOnlySpan<byte> advertisements, int workers) =>
        new SumDecryption(_layout, survivors).Decrypt(_sum, keys, EncryptionSeeds.Public(_parameters, advertisements), _parameters.VectorLength, workers, KeyElements);
}
