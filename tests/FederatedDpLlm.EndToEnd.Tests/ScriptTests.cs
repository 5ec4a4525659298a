using System.Globalization;
using System.Runtime.Versioning;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>The scripts at the root, in a copy of the tree whose build is this one.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class ScriptTests : IDisposable
{
    private static readonly string[] Scripts = ["fedllm", "run.sh", "test.sh", "bench.sh"];
    private readonly string _tree = Directory.CreateTempSubdirectory("fedllm-tree-").FullName;

    public ScriptTests()
    {
        foreach (var file in Scripts.Append(Path.Combine("build", "sdk.sh")).Append("global.json").Append("Directory.Build.props"))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(In(file))!);
            File.Copy(Repository.Path(file), In(file));
        }

        Directory.CreateDirectory(In("src"));
        Directory.CreateDirectory(In("artifacts"));
        Directory.CreateSymbolicLink(In("models"), Repository.Path("models"));
        Directory.CreateSymbolicLink(In("artifacts", "bin"), Repository.Path("artifacts", "bin"));
        File.WriteAllText(In("artifacts", "fedllm.built"), string.Empty);
    }

    public void Dispose() => Directory.Delete(_tree, true);

    [Fact]
    public async Task Run_starts_a_federation_a_second_start_names_the_busy_port_and_Ctrl_C_stops_every_process()
    {
        var demo = await FederationUnderTest.StartWithAsync(arguments => Cli.Start(In("run.sh"), arguments), null, "--hospitals", "1");
        await using (demo)
        {
            Assert.Equal(200, (await demo.AskAsync(demo.Token, FederationUnderTest.Choice(1))).Status);
            var port = new Uri(demo.Url).Port.ToString(CultureInfo.InvariantCulture);
            var second = await Cli.RunAsync(In("run.sh"), ["--port", port, "--data", In("other")]);
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
        var (code, output, _) = await Cli.RunAsync(In(script), ["--help"]);
        Assert.Equal(0, code);
        Assert.Contains(named, output, StringComparison.Ordinal);
    }

    [Theory, InlineData("fedllm"), InlineData("run.sh"), InlineData("test.sh"), InlineData("bench.sh")]
    public async Task Without_dotnet_on_the_path_a_script_says_that_the_SDK_is_missing(string script)
    {
        var (code, output, errors) = await WithPathAsync(Tools(null), script);
        Assert.Equal((1, string.Empty), (code, output));
        Assert.Contains(".NET 10 SDK is missing: 'dotnet' is not on the PATH", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_older_SDK_is_named()
    {
        MakeStale();
        var (code, output, errors) = await WithPathAsync(Tools("[ \"$1\" = --list-sdks ] && echo '8.0.404 [/usr/share/dotnet/sdk]'"), "fedllm", "budget");
        Assert.Equal((1, string.Empty), (code, output));
        Assert.Contains("found 8.0.404 only", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Newer_sources_are_built_first_once_and_the_build_says_nothing_on_standard_output()
    {
        const string Sdk = "case \"$1\" in --list-sdks) echo '10.0.100 [/sdk]' ;; build) echo built ;; *) shift; echo \"ran $*\" ;; esac";
        MakeStale();
        var path = Tools(Sdk);
        var first = await WithPathAsync(path, "fedllm", "budget", "show it");
        Assert.Equal((0, "ran budget show it\n"), (first.Code, first.Output));
        Assert.Contains("built", first.Errors, StringComparison.Ordinal);
        var second = await WithPathAsync(path, "fedllm", "budget");
        Assert.Equal((0, "ran budget\n", string.Empty), second);
    }

    [Fact]
    public async Task A_build_that_fails_runs_nothing_and_is_tried_again()
    {
        MakeStale();
        var path = Tools("case \"$1\" in --list-sdks) echo '10.0.100 [/sdk]' ;; build) echo 'error CS1002' ; exit 1 ;; *) echo ran ;; esac");
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var (code, output, errors) = await WithPathAsync(path, "fedllm", "budget");
            Assert.Equal((1, string.Empty), (code, output));
            Assert.Contains("error CS1002", errors, StringComparison.Ordinal);
            Assert.Contains("the build failed", errors, StringComparison.Ordinal);
        }
    }

    private string In(params string[] parts) => Path.Combine([_tree, .. parts]);

    private void MakeStale()
    {
        File.WriteAllText(In("src", "newer.cs"), string.Empty);
        File.SetLastWriteTimeUtc(In("artifacts", "fedllm.built"), DateTime.UnixEpoch);
    }

    /// <summary>A folder with the few programs that the scripts call, and a <c>dotnet</c> of the test's own or none.</summary>
    private string Tools(string? dotnet)
    {
        var tools = Directory.CreateDirectory(In("tools")).FullName;
        foreach (var name in new[] { "bash", "env", "dirname", "basename", "find", "mkdir", "touch", "mv", "sed", "grep", "cut", "tr", "id" })
        {
            File.CreateSymbolicLink(Path.Combine(tools, name), new[] { "/usr/bin/", "/bin/" }.Select(folder => folder + name).First(File.Exists));
        }

        if (dotnet is not null)
        {
            File.WriteAllText(Path.Combine(tools, "dotnet"), "#!/usr/bin/env bash\n" + dotnet + "\n");
            File.SetUnixFileMode(Path.Combine(tools, "dotnet"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return tools;
    }

    private Task<(int Code, string Output, string Errors)> WithPathAsync(string path, string script, params string[] arguments) =>
        Cli.RunAsync("env", ["PATH=" + path, In(script), .. arguments]);
}
