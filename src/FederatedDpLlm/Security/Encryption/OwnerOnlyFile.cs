using System.Text;

namespace FederatedDpLlm.Security.Encryption;

/// <summary>Files that only their owner may read.</summary>
public static class OwnerOnlyFile
{
    /// <summary>
    /// Makes an empty file where there is none. One that is there is not even opened: to close a file ends the locks that this process holds on it (POSIX),
    /// those of SQLite among them.
    /// </summary>
    public static void Create(string path)
    {
        if (!File.Exists(path))
        {
            new FileStream(path, Options(FileMode.OpenOrCreate)).Dispose();
        }
    }

    /// <summary>Writes a text, UTF-8. The file is there with all of it or not at all, also after a power cut.</summary>
    /// <param name="path">The file; its folder is not made, for it may be misspelt.</param>
    /// <param name="content">All that it holds.</param>
    /// <param name="replace">Whether a file that is there gives way.</param>
    /// <exception cref="IOException">The file cannot be written, or is there and is to stay.</exception>
    public static void Write(string path, string content, bool replace = true)
    {
        var part = path + ".part";

        // Left by one who was killed here; its rights are unknown.
        File.Delete(part);
        using (var file = new FileStream(part, Options(FileMode.CreateNew)))
        {
            file.Write(Encoding.UTF8.GetBytes(content));
            file.Flush(flushToDisk: true);
        }

        File.Move(part, path, replace);
    }

    private static FileStreamOptions Options(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.ReadWrite };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }
}
