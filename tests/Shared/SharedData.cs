namespace FederatedDpLlm.Tests.Shared;

/// <summary>
/// The one door to the reference data that stands beside a checkout (real hospital data, published vectors, a real checkpoint).
/// It is not part of the project: where it is absent, a test skips and says so.
/// </summary>
internal static class SharedData
{
    /// <summary>The full path of a file or folder below the data folder; skips the running test where it is absent.</summary>
    public static string Path(params string[] parts)
    {
        var path = TryPath(parts);
        Assert.SkipWhen(path is null, $"needs the reference data '{System.IO.Path.Combine(parts)}', which is not beside this checkout (set FEDLLM_SHARED_DATA to its folder)");
        return path!;
    }

    /// <summary>As <see cref="Path"/>, but null where it is absent.</summary>
    public static string? TryPath(params string[] parts)
    {
        var root = Environment.GetEnvironmentVariable("FEDLLM_SHARED_DATA") ?? FindBeside(Repository.Root);
        if (root is null)
        {
            return null;
        }

        var path = System.IO.Path.Combine([root, .. parts]);
        return File.Exists(path) || Directory.Exists(path) ? path : null;
    }

    private static string? FindBeside(string repository)
    {
        // A worktree may lie one or two levels below the checkout it belongs to.
        for (var folder = Directory.GetParent(repository); folder is not null; folder = folder.Parent)
        {
            var candidate = System.IO.Path.Combine(folder.FullName, "shared", "data");
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }
}
