using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace FederatedDpLlm.Configuration;

/// <summary>
/// Reads a YAML file into an options type: keys in <c>snake_case</c>; an unknown key, a key given twice, a missing required key or a value of the wrong
/// kind is an error that names the file and the line. A typing error must never silently become a default.
/// </summary>
public static class StrictYaml
{
    private static readonly IDeserializer Deserializer = new DeserializerBuilder()
        .WithNamingConvention(UnderscoredNamingConvention.Instance)
        .WithDuplicateKeyChecking()
        .WithEnforceRequiredMembers()
        .Build();

    /// <exception cref="ConfigurationException">The file is absent, unreadable, or not what the type asks for.</exception>
    public static T Load<T>(string path)
        where T : class
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"The configuration file '{path}' cannot be read: {error.Message}", error);
        }

        return Parse<T>(text, path);
    }

    /// <param name="yaml">The text.</param>
    /// <param name="source">Named in errors.</param>
    /// <exception cref="ConfigurationException">The text is not what the type asks for.</exception>
    public static T Parse<T>(string yaml, string source)
        where T : class
    {
        try
        {
            return Deserializer.Deserialize<T>(yaml) ?? throw new ConfigurationException($"The configuration '{source}' is empty.");
        }
        catch (YamlException error)
        {
            var reason = error.InnerException is { } inner and not YamlException ? inner.Message : error.Message;
            throw new ConfigurationException($"The configuration '{source}' is wrong at line {error.Start.Line}, column {error.Start.Column}: {reason}", error);
        }
    }
}
