using System.Text;
using FederatedDpLlm.Models;

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
        if (File.Exists(path))
        {
            return;
        }

        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        new FileStream(path, options).Dispose();
    }

    /// <summary>Writes a text, UTF-8. The file is there with all of it or not at all, also after a power cut.</summary>
    /// <param name="path">The file; its folder is not made, for it may be misspelt.</param>
    /// <param name="content">All that it holds.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, string content) => WholeFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(content)), ownerOnly: true);
}
