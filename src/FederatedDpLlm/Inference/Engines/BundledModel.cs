using FederatedDpLlm.Configuration;

namespace FederatedDpLlm.Inference.Engines;

/// <summary>
/// Where the small model is that the product ships, beside the program or in a folder above it (a checkout): it reads the notes in its context and gives cases
/// their codes.
/// </summary>
public static class BundledModel
{
    /// <summary>Its name, as engines report it and requests ask for it.</summary>
    public const string Name = "ward-2m";

    /// <exception cref="ConfigurationException">It is nowhere above the program.</exception>
    public static string Folder
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                var candidate = Path.Combine(folder.FullName, "models", Name);
                if (File.Exists(Path.Combine(candidate, "config.json")))
                {
                    return candidate;
                }
            }

            throw new ConfigurationException($"The bundled model 'models/{Name}' is not in a folder above {AppContext.BaseDirectory}: name a model's folder with 'engine.model'.");
        }
    }
}
