using System.Text;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Security.Encryption;

namespace FederatedDpLlm.Tests.Security.Encryption;

public sealed class AtRestKeyTests : IDisposable
{
    private const int Starts = 8;
    private readonly AtRestKey _key = new(Enumerable.Repeat((byte)7, AtRestKey.SizeBytes).ToArray());

    public void Dispose() => _key.Dispose();

    [Fact]
    public void A_sealed_text_opens_only_with_its_key_and_its_context_and_unchanged()
    {
        var text = Encoding.UTF8.GetBytes("the answer");
        var box = _key.Seal(text, "here"u8);
        Assert.Equal(text, _key.Open(box, "here"u8));
        Assert.Null(_key.Open(box, "there"u8));
        using var other = new AtRestKey(Enumerable.Repeat((byte)8, AtRestKey.SizeBytes).ToArray());
        Assert.Null(other.Open(box, "here"u8));
        for (var i = 0; i < box.Length; i++)
        {
            var changed = box.ToArray();
            changed[i] ^= 1;
            Assert.Null(_key.Open(changed, "here"u8));
            Assert.Null(_key.Open(box.AsSpan(0, i), "here"u8));
        }
    }

    [Fact]
    public void The_same_text_is_never_sealed_into_the_same_bytes() => Assert.NotEqual(_key.Seal("a"u8, []), _key.Seal("a"u8, []));

    [Fact]
    public void A_short_secret_is_refused() => Assert.Throws<ArgumentException>(() => new AtRestKey(new byte[AtRestKey.SizeBytes - 1]));

    [Fact]
    public async Task Starts_at_the_same_moment_all_get_the_key_of_the_first_one()
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-key-");
        try
        {
            for (var round = 0; round < 50; round++)
            {
                var path = Path.Combine(folder.FullName, $"{round}.key");
                using var together = new Barrier(Starts);
                var keys = await Task.WhenAll(Enumerable.Range(0, Starts).Select(_ => Task.Factory.StartNew(
                    () =>
                    {
                        together.SignalAndWait();
                        return Convert.ToHexStringLower(SecretFile.LoadOrCreate(path, AtRestKey.SizeBytes));
                    },
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default)));
                Assert.All(keys, key => Assert.Equal(File.ReadAllText(path), key));
            }

            Assert.Equal(50, folder.GetFiles().Length);
        }
        finally
        {
            folder.Delete(true);
        }
    }

    [Fact]
    public void A_secret_file_is_made_once_for_its_owner_only_and_never_made_anew_in_place_of_a_broken_one()
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-key-");
        try
        {
            var path = Path.Combine(folder.FullName, "a.key");
            var made = SecretFile.LoadOrCreate(path, AtRestKey.SizeBytes);
            Assert.Equal(made, SecretFile.LoadOrCreate(path, AtRestKey.SizeBytes));
            Assert.Equal([path], Directory.GetFiles(folder.FullName));
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            }

            foreach (var broken in new[] { "no key", "abcd", string.Empty })
            {
                File.WriteAllText(path, broken);
                Assert.Throws<ConfigurationException>(() => SecretFile.LoadOrCreate(path, AtRestKey.SizeBytes));
                Assert.Equal(broken, File.ReadAllText(path));
            }
        }
        finally
        {
            folder.Delete(true);
        }
    }
}
