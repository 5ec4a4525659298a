namespace FederatedDpLlm.Security.Encryption;

/// <summary>Files that only their owner may read.</summary>
public static class OwnerOnlyFile
{
    /// <summary>Makes an empty file where there is none; one that is there stays as it is.</summary>
    public static void Create(string path)
    {
        using var made = new FileStream(path, Options(FileMode.OpenOrCreate));
    }

    /// <summary>How to open a file for writing so that, where it is made, only its owner may read it.</summary>
    public static FileStreamOptions Options(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.ReadWrite };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }
}
