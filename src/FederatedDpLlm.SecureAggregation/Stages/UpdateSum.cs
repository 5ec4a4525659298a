using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The running sum of hidden updates under masks, and how it opens once the masks that are left on it are known.</summary>
internal abstract class UpdateSum
{
    /// <summary>The length of one hidden update.</summary>
    public abstract long PayloadSizeBytes { get; }

    /// <summary>The sum of nothing, for a round's mode.</summary>
    public static UpdateSum For(RoundParameters parameters) => parameters.Mode switch
    {
        AggregationMode.Homomorphic => new EncryptedUpdateSum(parameters),
        _ => new MaskedUpdateSum(parameters),
    };

    /// <summary>Adds a hidden update; false, with the sum as it was, where it is malformed.</summary>
    public abstract bool TryAdd(ReadOnlyMemory<byte> payload, int workers);

    /// <summary>The sum of the updates; null where it does not open.</summary>
    public abstract int[]? Open(MaskSet residual, int survivors, ReadOnlySpan<byte> advertisements, int workers);
}

/// <summary>Masked lanes; every payload of the right length is one.</summary>
internal sealed class MaskedUpdateSum(RoundParameters parameters) : UpdateSum
{
    private readonly LaneFormat _format = LaneFormat.For(parameters.SumBits);
    private readonly uint[] _lanes = new uint[parameters.VectorLength];

    public override long PayloadSizeBytes => (long)_lanes.Length * _format.SizeBytes;

    public override bool TryAdd(ReadOnlyMemory<byte> payload, int workers)
    {
        _format.AddTo(_lanes, payload.Span);
        return true;
    }

    public override int[]? Open(MaskSet residual, int survivors, ReadOnlySpan<byte> advertisements, int workers)
    {
        residual.ApplyTo(_lanes, workers);
        var values = new int[_lanes.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = _format.Signed(_lanes[i]);
        }

        return values;
    }
}

/// <summary>The masked key, then the ciphertext under it.</summary>
internal sealed class EncryptedUpdateSum : UpdateSum
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

    public override long PayloadSizeBytes => KeySizeBytes + _ciphertexts.SizeBytes;

    private int KeySizeBytes => _keyLanes.Length * _format.SizeBytes;

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
