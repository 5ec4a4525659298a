using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>What the demo prints for a person.</summary>
public sealed class AnnouncementTests
{
    private const int Interrupt = 2;
    private const string LastLine = "Ctrl-C stops every process.";

    [Fact]
    public async Task The_printed_curl_command_is_answered_as_it_stands()
    {
        var folder = PassingFolder.Make();
        using var demo = Cli.Start(["demo", "--port", Cli.FreePort().ToString(CultureInfo.InvariantCulture), "--data", Path.Combine(folder, "state"), "--hospitals", "1"]);
        var errors = demo.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            var printed = await UntilAnnouncedAsync(demo.StandardOutput);
            Assert.Contains("curl -s ", printed, StringComparison.Ordinal);
            var command = printed[printed.IndexOf("curl -s ", StringComparison.Ordinal)..];
            command = command[..command.IndexOf("\n\n", StringComparison.Ordinal)];
            var (code, output, trouble) = await Cli.RunAsync("bash", ["-c", command]);
            Assert.True(code == 0, trouble);
            Assert.Equal(1, JsonSerializer.Deserialize<JsonElement>(output).GetProperty("privacy").GetProperty("epsilon").GetDouble());
        }
        finally
        {
            _ = kill(demo.Id, Interrupt);
            await demo.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        }

        Assert.True(demo.ExitCode == 0, await errors);
    }

    private static async Task<string> UntilAnnouncedAsync(StreamReader output)
    {
        var printed = new StringBuilder();
        while (await output.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(150)) is { } line)
        {
            printed.Append(line).Append('\n');
            if (line.Trim() == LastLine)
            {
                break;
            }
        }

        return printed.ToString();
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int processId, int signal);
}
