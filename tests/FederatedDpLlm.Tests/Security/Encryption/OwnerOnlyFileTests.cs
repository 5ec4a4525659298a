using FederatedDpLlm.Security.Encryption;

namespace FederatedDpLlm.Tests.Security.Encryption;

public sealed class OwnerOnlyFileTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedllm-owner-");

    [Fact]
    public void A_file_is_written_whole_for_its_owner_only()
    {
        var path = Path.Combine(_folder.FullName, "link.key");
        OwnerOnlyFile.Write(path, "first");
        OwnerOnlyFile.Write(path, "zwei, kürzer");
        Assert.Equal("zwei, kürzer"u8, File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder.FullName));
        RequireOwnerOnly(path);
        Assert.Throws<DirectoryNotFoundException>(() => OwnerOnlyFile.Write(Path.Combine(_folder.FullName, "misspelt", "link.key"), "lost"));
    }

    [Fact]
    public void What_others_could_read_is_theirs_no_more_once_it_is_written()
    {
        var path = Path.Combine(_folder.FullName, "a.key");
        File.WriteAllText(path, "for all");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, OwnerOnly | UnixFileMode.OtherRead);
        }

        OwnerOnlyFile.Write(path, "secret");
        Assert.Equal("secret", File.ReadAllText(path));
        RequireOwnerOnly(path);
    }

    [Fact]
    public void An_empty_file_is_made_for_its_owner_only_and_one_that_is_there_keeps_what_it_holds()
    {
        var path = Path.Combine(_folder.FullName, "ledger.db");
        OwnerOnlyFile.Create(path);
        Assert.Empty(File.ReadAllBytes(path));
        RequireOwnerOnly(path);
        File.WriteAllText(path, "held");
        OwnerOnlyFile.Create(path);
        Assert.Equal("held", File.ReadAllText(path));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static void RequireOwnerOnly(string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(OwnerOnly, File.GetUnixFileMode(path));
        }
    }
}
