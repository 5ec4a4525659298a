using FederatedDpLlm.Configuration;

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

    /// <param name="strategies">The names of all strategies.</param>
    /// <exception cref="ConfigurationException">A value is out of its range, or the strategy none of them.</exception>
    public void Check(IReadOnlyCollection<string> strategies)
    {
        ConfigurationException.Require(AnswerTimeoutSeconds is >= 1 and <= 3600, "routing.answer_timeout_seconds", AnswerTimeoutSeconds, "1 to 3600");
        if (!strategies.Contains(Strategy))
        {
            throw new ConfigurationException($"'routing.strategy' is '{Strategy}': give one of {string.Join(", ", strategies)}.");
        }
    }
}
