using System.Runtime.CompilerServices;

namespace FederatedDpLlm.SecureAggregation.Fields;

/// <summary>32 bytes held by value.</summary>
[InlineArray(32)]
internal struct Encoding32
{
    private byte _first;
}
