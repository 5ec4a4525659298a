using System.Globalization;
using System.Runtime.Versioning;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>The scripts at the root, in a copy of the tree whose build is this one.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ScriptTests : IDisposable
{
    private readonly ScriptTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Fact]
    public async Task Run_starts_a_federation_a_second_start_names_the_busy_port_and_Ctrl_C_stops_every_process()
    {
        var demo = await FederationUnderTest.StartWithAsync(arguments => Cli.Start(_tree.In("run.sh"), arguments), null, "--hospitals", "1");
        await using (demo)
        {
            Assert.Equal(200, (await demo.AskAsync(demo.Token, FederationUnderTest.Choice(1))).Status);
            var port = new Uri(demo.Url).Port.ToString(CultureInfo.InvariantCulture);
            var second = await Cli.RunAsync(_tree.In("run.sh"), ["--port", port, "--data", _tree.In("other")]);
            Assert.Equal((3, string.Empty), (second.Code, second.Output));
            Assert.Contains($"Port {port} is already in use", second.Errors, StringComparison.Ordinal);

            demo.SendInterrupt();
            await demo.WaitForEndAsync();
            Assert.Equal(0, demo.ExitCode);
        }

        Assert.All(demo.Nodes.Select(node => node.ProcessId).Append(demo.RouterProcessId), id => Assert.False(Directory.Exists($"/proc/{id}")));
    }

    [Theory, InlineData("run.sh", "--hospitals"), InlineData("fedllm", "budget")]
    public async Task Help_says_what_there_is(string script, string named)
    {
        var (code, output, _) = await Cli.RunAsync(_tree.In(script), ["--help"]);
        Assert.Equal(0, code);
        Assert.Contains(named, output, StringComparison.Ordinal);
    }

    [Theory, InlineData("fedllm"), InlineData("run.sh"), InlineData("test.sh"), InlineData("bench.sh")]
    public async Task Without_dotnet_on_the_path_a_script_says_that_the_SDK_is_missing(string script)
    {
        var (code, output, errors) = await _tree.RunWithAsync(null, script);
        Assert.Equal((1, string.Empty), (code, output));
        Assert.Contains(".NET 10 SDK is missing: 'dotnet' is not on the PATH", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_older_SDK_is_named()
    {
        _tree.MakeStale();
        var (code, output, errors) = await _tree.RunWithAsync("[ \"$1\" = --list-sdks ] && echo '8.0.404 [/usr/share/dotnet/sdk]'", "fedllm", "budget");
        Assert.Equal((1, string.Empty), (code, output));
        Assert.Contains("found 8.0.404 only", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Newer_sources_are_built_first_once_and_the_build_says_nothing_on_standard_output()
    {
        const string Sdk = "case \"$1\" in --list-sdks) echo '10.0.100 [/sdk]' ;; build) echo built ;; *) shift; echo \"ran $*\" ;; esac";
        _tree.MakeStale();
        var first = await _tree.RunWithAsync(Sdk, "fedllm", "budget", "show it");
        Assert.Equal((0, "ran budget show it\n"), (first.Code, first.Output));
        Assert.Contains("built", first.Errors, StringComparison.Ordinal);
        var second = await _tree.RunWithAsync(Sdk, "fedllm", "budget");
        Assert.Equal((0, "ran budget\n", string.Empty), second);
    }

    [Fact]
    public async Task A_build_that_fails_runs_nothing_and_is_tried_again()
    {
        _tree.MakeStale();
        const string Sdk = "case \"$1\" in --list-sdks) echo '10.0.100 [/sdk]' ;; build) echo 'error CS1002' ; exit 1 ;; *) echo ran ;; esac";
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var (code, output, errors) = await _tree.RunWithAsync(Sdk, "fedllm", "budget");
            Assert.Equal((1, string.Empty), (code, output));
            Assert.Contains("error CS1002", errors, StringComparison.Ordinal);
            Assert.Contains("the build failed", errors, StringComparison.Ordinal);
        }
    }
}
