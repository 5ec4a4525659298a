using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The masked key, then the ciphertext under it.</summary>
internal sealed class EncryptedUpdateSum : SumUnderMasks
{
    private readonly RoundParameters _parameters;
    private readonly LaneFormat _format;
    private readonly uint[] _keyLanes = new uint[KeyAdditiveEncryption.KeyLength];
    private readonly SlotLayout _layout;
    private readonly CiphertextSum _ciphertexts;

    public EncryptedUpdateSum(RoundParameters parameters)
    {
        _parameters = parameters;
        _format = KeyFormat(parameters);
        _layout = new SlotLayout(parameters.ValueBits, parameters.Clients);
        _ciphertexts = new CiphertextSum(_layout.ElementsFor(parameters.VectorLength));
    }

    private int KeySizeBytes => _keyLanes.Length * _format.SizeBytes;

    public static long SizeBytes(RoundParameters parameters) => (KeyAdditiveEncryption.KeyLength * KeyFormat(parameters).SizeBytes)
        + KeyAdditiveEncryption.SizeBytes(new SlotLayout(parameters.ValueBits, parameters.Clients), parameters.VectorLength);

    /// <summary>Lanes that hold a sum of key coefficients.</summary>
    public static LaneFormat KeyFormat(RoundParameters parameters) => LaneFormat.For(KeyAdditiveEncryption.KeyBits + RoundParameters.BitsFor(parameters.Clients));

    public override bool TryAdd(ReadOnlyMemory<byte> payload, int workers)
    {
        if (!_ciphertexts.TryAdd(payload[KeySizeBytes..], workers))
        {
            return false;
        }

        _format.AddTo(_keyLanes, payload.Span[..KeySizeBytes]);
        return true;
    }

    public override int[]? Open(MaskSet residual, int survivors, ReadOnlySpan<byte> advertisements, int workers)
    {
        residual.ApplyTo(_keyLanes, workers);
        var keys = new long[_keyLanes.Length];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = _format.Signed(_keyLanes[i]);
            if (Math.Abs(keys[i]) > (long)survivors * GaussianNoise.Largest)
            {
                return null;
            }
        }

        return new SumDecryption(_layout, survivors).Decrypt(_ciphertexts, keys, EncryptionSeeds.Public(_parameters, advertisements), _parameters.VectorLength, workers);
    }
}
