using FederatedDpLlm.Configuration;

namespace FederatedDpLlm.Inference.Engines;

/// <summary>Where the small model is that the product ships: <c>models/ward</c> beside the program or in a folder above it (a checkout).</summary>
public static class BundledModel
{
    public const string Name = "ward";

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
