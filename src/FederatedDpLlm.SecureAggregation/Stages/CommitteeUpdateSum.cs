using FederatedDpLlm.SecureAggregation.Homomorphic;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The sum of uploads of the committee mode: the key encrypted to the committee (two ring elements), then the ciphertext under the key.</summary>
internal sealed class CommitteeUpdateSum : UpdateSum
{
    private const int KeyElements = 2;
    private readonly RoundParameters _parameters;
    private readonly SlotLayout _layout;
    private readonly CiphertextSum _sum;

    public CommitteeUpdateSum(RoundParameters parameters)
    {
        _parameters = parameters;
        _layout = new SlotLayout(parameters.ValueBits, parameters.Clients);
        _sum = new CiphertextSum(KeyElements + _layout.ElementsFor(parameters.VectorLength));
    }

    public override long PayloadSizeBytes => _sum.SizeBytes;

    /// <summary>The part of an upload that the committee's answers multiply.</summary>
    public static ReadOnlySpan<byte> SecondPart(ReadOnlySpan<byte> payload) => payload.Slice(ResidueFormat.ElementSizeBytes, ResidueFormat.ElementSizeBytes);

    public override bool TryAdd(ReadOnlyMemory<byte> payload, int workers) => _sum.TryAdd(payload, workers);

    /// <summary>The sum of the updates from t answers, by point; null where it does not open.</summary>
    public int[]? Open(IReadOnlyDictionary<int, RingElement> answers, int survivors, ReadOnlySpan<byte> advertisements, int workers)
    {
        using var firstParts = new RingElement();
        _sum.Read(0, firstParts);
        return CommitteeEncryption.Open(CommitteeKey.ParametersOf(_parameters), firstParts, answers, survivors) is { } keys
            ? new SumDecryption(_layout, survivors).Decrypt(_sum, keys, EncryptionSeeds.Public(_parameters, advertisements), _parameters.VectorLength, workers, KeyElements)
            : null;
    }
}
