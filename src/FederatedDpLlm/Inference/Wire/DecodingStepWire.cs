using System.Runtime.InteropServices;
using Google.Protobuf;

namespace FederatedDpLlm.Inference.Wire;

/// <summary>One step of a decoding on the wire and back: little-endian arrays, whose lengths must agree.</summary>
public static class DecodingStepWire
{
    public static Protocol.DecodingStep ToWire(DecodingStep step, string text)
    {
        var wire = new Protocol.DecodingStep { PublicLogits = Bytes<float>([.. step.PublicLogits]), ClippedSums = Bytes<long>([.. step.Sums]), Text = text };
        wire.Candidates.AddRange(step.Candidates);
        return wire;
    }

    /// <param name="wire">From a node: hostile until checked.</param>
    /// <param name="voters">What the node said of itself when it admitted the question.</param>
    /// <exception cref="InvalidPartException">Lengths do not agree, or a logit is no finite number.</exception>
    public static DecodingStep FromWire(Protocol.DecodingStep wire, int voters)
    {
        var candidates = wire.Candidates.Count;
        if (candidates == 0 || wire.PublicLogits.Length != candidates * sizeof(float) || wire.ClippedSums.Length != candidates * sizeof(long))
        {
            throw new InvalidPartException("a decoding step whose lengths do not agree");
        }

        var logits = Values<float>(wire.PublicLogits);
        return Array.TrueForAll(logits, float.IsFinite)
            ? new DecodingStep([.. wire.Candidates], logits, Values<long>(wire.ClippedSums), voters)
            : throw new InvalidPartException("a decoding step whose public logits are no numbers");
    }

    private static ByteString Bytes<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        RequireLittleEndian();
        return ByteString.CopyFrom(MemoryMarshal.AsBytes(values));
    }

    private static T[] Values<T>(ByteString bytes)
        where T : unmanaged
    {
        RequireLittleEndian();
        return MemoryMarshal.Cast<byte, T>(bytes.Span).ToArray();
    }

    private static void RequireLittleEndian()
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("The wire's arrays are little-endian, as is every machine this runs on.");
        }
    }
}
