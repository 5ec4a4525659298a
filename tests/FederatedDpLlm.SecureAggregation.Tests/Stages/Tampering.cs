namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>What an attacker does to bytes on their way.</summary>
internal static class Tampering
{
    public static ReadOnlyMemory<byte> Flip(ReadOnlyMemory<byte> bytes, int place)
    {
        var changed = bytes.ToArray();
        changed[place] ^= 1;
        return changed;
    }
}
