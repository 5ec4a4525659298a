using FederatedDpLlm.Configuration;

namespace FederatedDpLlm.Inference.Engines;

/// <summary>
/// Where the small models are that the product ships, beside the program or in a folder above it (a checkout): <c>models/ward</c> reads the notes in its context
/// and answers the demo's questions, <c>models/ward-2m</c> gives cases their codes.
/// </summary>
public static class BundledModel
{
    /// <summary>The model that reads.</summary>
    public const string Name = "ward";

    /// <summary>The model that codes.</summary>
    public const string CodingName = "ward-2m";

    /// <exception cref="ConfigurationException">It is nowhere above the program.</exception>
    public static string Folder => Find(Name);

    /// <exception cref="ConfigurationException">It is nowhere above the program.</exception>
    public static string CodingFolder => Find(CodingName);

    private static string Find(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "models", name);
            if (File.Exists(Path.Combine(candidate, "config.json")))
            {
                return candidate;
            }
        }

        throw new ConfigurationException($"The bundled model 'models/{name}' is not in a folder above {AppContext.BaseDirectory}: name a model's folder with 'engine.model'.");
    }
}
