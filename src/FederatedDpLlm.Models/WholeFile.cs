using System.Runtime.InteropServices;

namespace FederatedDpLlm.Models;

/// <summary>
/// Files that are there with all of their content or not at all, also after a power cut: written beside under a name of their own, flushed, and only then named.
/// A writer that is killed leaves its part (<c>NAME.*.part</c>), which nobody reads.
/// </summary>
public static partial class WholeFile
{
    /// <summary>Writes a file; one that was there gives way to the whole new one.</summary>
    /// <param name="path">The file; its folder is not made, for it may be misspelt.</param>
    /// <param name="write">Writes the content. Where it throws, what was there stays.</param>
    /// <param name="ownerOnly">Whether only its owner may read it.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, Action<FileStream> write, bool ownerOnly = false)
    {
        ArgumentNullException.ThrowIfNull(write);
        Write(path, write, ownerOnly, part => File.Move(part, path, overwrite: true));
    }

    /// <summary>
    /// The content of a file that only its owner may read, made where there is none. Of several who make it at one moment, in this process or in others, one
    /// is first, and all return its content.
    /// </summary>
    /// <param name="path">The file; its folder is not made.</param>
    /// <param name="make">Makes the content.</param>
    /// <exception cref="IOException">The file cannot be read or made.</exception>
    public static byte[] ReadOrCreate(string path, Func<byte[]> make)
    {
        ArgumentNullException.ThrowIfNull(make);
        if (!File.Exists(path))
        {
            try
            {
                Write(path, file => file.Write(make()), ownerOnly: true, part => Name(part, path));
            }
            catch (IOException) when (File.Exists(path))
            {
                // Somebody else was first.
            }
        }

        return File.ReadAllBytes(path);
    }

    private static void Write(string path, Action<FileStream> write, bool ownerOnly, Action<string> name)
    {
        if (Directory.Exists(path))
        {
            throw new IOException($"'{path}' is a folder: name a file.");
        }

        if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path))))
        {
            throw new DirectoryNotFoundException($"There is no folder for '{path}': make it first, or name another one.");
        }

        var part = $"{path}.{Path.GetRandomFileName()}.part";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Read };
        if (ownerOnly && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var file = new FileStream(part, options);
        try
        {
            write(file);
            file.Flush(flushToDisk: true);
            file.Close();
            name(part);
        }
        finally
        {
            try
            {
                file.Close();
            }
            finally
            {
                // On a full disk to close fails as well: the part must not stay there for that.
                File.Delete(part);
            }
        }
    }

    // rename(2) takes a name from its bearer without a word, and File.Move only looks before it renames: link(2) alone gives a name to one of two.
    // Windows moves to a free name only; a file system without links is left with the look.
    private static void Name(string part, string path)
    {
        if (OperatingSystem.IsWindows() || Link(part, path) != 0)
        {
            File.Move(part, path, overwrite: false);
        }
    }

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string file, string name);
}
