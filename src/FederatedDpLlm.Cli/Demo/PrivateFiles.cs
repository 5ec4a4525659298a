using System.Runtime.Versioning;

namespace FederatedDpLlm.Cli.Demo;

/// <summary>Files that only their owner may read.</summary>
internal static class PrivateFiles
{
    public static void Write(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            Restrict(options);
        }

        using var writer = new StreamWriter(path, options);
        writer.Write(content);
    }

    [UnsupportedOSPlatform("windows")]
    private static void Restrict(FileStreamOptions options) => options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
}
