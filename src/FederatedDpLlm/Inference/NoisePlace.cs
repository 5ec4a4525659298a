namespace FederatedDpLlm.Inference;

/// <summary>Who draws the noise: the wire's <c>trust</c>.</summary>
public enum NoisePlace
{
    /// <summary>Every node releases noised answers only; the router is trusted with nothing.</summary>
    Node,

    /// <summary>Nodes hand integer counts or sums to the router, which adds them up and draws the noise once.</summary>
    Router,
}
