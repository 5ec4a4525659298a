using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>Masked lanes; every payload of the right length is one.</summary>
internal sealed class MaskedUpdateSum(RoundParameters parameters) : SumUnderMasks
{
    private readonly LaneFormat _format = LaneFormat.For(parameters.SumBits);
    private readonly uint[] _lanes = new uint[parameters.VectorLength];

    public static long SizeBytes(RoundParameters parameters) => (long)parameters.VectorLength * LaneFormat.For(parameters.SumBits).SizeBytes;

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
