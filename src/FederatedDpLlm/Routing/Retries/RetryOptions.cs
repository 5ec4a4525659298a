namespace FederatedDpLlm.Routing.Retries;

/// <summary>How long and how much the router keeps of its answers, so that a repeated request gets the same one, free. Paths are relative to the configuration.</summary>
public sealed record RetryOptions
{
    /// <summary>Sealed answers.</summary>
    /// <value>Default: <c>answers.db</c>.</value>
    public string Answers { get; init; } = "answers.db";

    /// <summary>The secret that seals them (hexadecimal), made at the first start; without it they cannot be read.</summary>
    /// <value>Default: <c>answers.key</c>.</value>
    public string Key { get; init; } = "answers.key";

    /// <summary>After so many hours an answer is deleted: 1 to 168.</summary>
    /// <value>Default: 24.</value>
    public int LifetimeHours { get; init; } = 24;

    /// <summary>All answers together; the oldest go first: 1 to 4,096.</summary>
    /// <value>Default: 64.</value>
    public int MostMegabytes { get; init; } = 64;

    /// <exception cref="Configuration.ConfigurationException">A value is out of its range.</exception>
    public RetryOptions Checked() => this switch
    {
        { LifetimeHours: < 1 or > 168 } => throw new Configuration.ConfigurationException($"'retries.lifetime_hours' is {LifetimeHours}: give 1 to 168."),
        { MostMegabytes: < 1 or > 4096 } => throw new Configuration.ConfigurationException($"'retries.most_megabytes' is {MostMegabytes}: give 1 to 4096."),
        _ => this,
    };
}
