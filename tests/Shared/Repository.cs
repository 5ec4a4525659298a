namespace FederatedDpLlm.Tests.Shared;

/// <summary>Where this checkout is, found from the running test's own folder.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "FederatedDpLlm.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("The tests run outside a checkout: FederatedDpLlm.slnx was not found above " + AppContext.BaseDirectory);
    }
}
