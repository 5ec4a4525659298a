using System.Text;

namespace FederatedDpLlm.Models.Tests;

public sealed class WholeFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedllm-whole-");

    [Fact]
    public void What_cannot_be_written_to_its_end_leaves_what_was_there_and_nothing_else()
    {
        var path = Path.Combine(_folder.FullName, "a.gguf");
        WholeFile.Write(path, file => file.Write("first"u8));
        Assert.Throws<InvalidOperationException>(() => WholeFile.Write(path, file =>
        {
            file.Write("second"u8);
            throw new InvalidOperationException("half way");
        }));
        Assert.Equal("first"u8, File.ReadAllBytes(path));
        WholeFile.Write(path, file => file.Write("3"u8));
        Assert.Equal("3"u8, File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder.FullName));
    }

    [Fact]
    public void A_file_that_is_there_is_read_and_not_made_anew()
    {
        var path = Path.Combine(_folder.FullName, "secret");
        Assert.Equal("first"u8, WholeFile.ReadOrCreate(path, () => Encoding.ASCII.GetBytes("first")));
        Assert.Equal("first"u8, WholeFile.ReadOrCreate(path, () => throw new InvalidOperationException("not asked")));
    }

    [Fact]
    public void Who_is_second_returns_what_the_first_one_made()
    {
        var path = Path.Combine(_folder.FullName, "secret");

        // The other one is done while this one still makes its own.
        var late = WholeFile.ReadOrCreate(path, () =>
        {
            WholeFile.ReadOrCreate(path, () => Encoding.ASCII.GetBytes("first"));
            return Encoding.ASCII.GetBytes("second");
        });
        Assert.Equal("first"u8, late);
        Assert.Equal([path], Directory.GetFiles(_folder.FullName));
    }

    [Fact]
    public void A_folder_that_is_missing_is_an_error() =>
        Assert.Throws<DirectoryNotFoundException>(() => WholeFile.ReadOrCreate(Path.Combine(_folder.FullName, "misspelt", "secret"), () => []));

    public void Dispose() => _folder.Delete(recursive: true);
}
