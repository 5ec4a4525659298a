namespace FederatedDpLlm.Models.Llama;

/// <summary>The matrices of a layer that an adapter may change.</summary>
internal enum AdaptedMatrix
{
    Query,
    Key,
    Value,
    Output,
    Gate,
    Up,
    Down,
}
