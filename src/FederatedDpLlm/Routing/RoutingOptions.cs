namespace FederatedDpLlm.Routing;

/// <summary>How questions are routed.</summary>
public sealed record RoutingOptions
{
    /// <summary>The strategy of a question that names none.</summary>
    /// <value>Default: <c>privacy-aware</c>.</value>
    public string Strategy { get; init; } = "privacy-aware";

    /// <summary>The longest that one draw may take at a node, in seconds: 1 to 3,600.</summary>
    /// <value>Default: 300.</value>
    public int AnswerTimeoutSeconds { get; init; } = 300;
}
