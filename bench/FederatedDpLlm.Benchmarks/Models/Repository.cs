namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>The checkout that the benchmark was built in.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "FederatedDpLlm.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The benchmarks run outside a checkout.");
        }

        return folder.FullName;
    }
}
