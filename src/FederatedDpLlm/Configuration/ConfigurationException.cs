namespace FederatedDpLlm.Configuration;

/// <summary>A configuration that cannot be used. The message names the file, the key and what to do; nothing has started.</summary>
public sealed class ConfigurationException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Refuses a number that is out of its range.</summary>
    /// <param name="holds">Whether it is in its range.</param>
    /// <param name="key">The key, with its section: <c>listen.port</c>.</param>
    /// <param name="value">What was given.</param>
    /// <param name="range">What may be given.</param>
    public static void Require(bool holds, string key, long value, string range)
    {
        if (!holds)
        {
            throw new ConfigurationException($"'{key}' is {value}: give {range}.");
        }
    }
}
