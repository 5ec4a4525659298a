using System.Diagnostics;
using System.Runtime.Versioning;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>A copy of the tree with the scripts at its root, whose build is this one: what a script builds is there already.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class ScriptTree : IDisposable
{
    private static readonly string[] Copied =
        ["fedllm", "run.sh", "test.sh", "bench.sh", Path.Combine("build", "sdk.sh"), Path.Combine("build", "test-prerequisites.sh"), "global.json", "Directory.Build.props"];

    private static readonly string[] Programs = ["bash", "env", "dirname", "basename", "find", "mkdir", "touch", "mv", "sed", "grep", "cut", "tr", "id"];

    public ScriptTree()
    {
        foreach (var file in Copied)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(In(file))!);
            File.Copy(Repository.Path(file), In(file));
        }

        Directory.CreateDirectory(In("src"));
        Directory.CreateDirectory(In("artifacts"));
        foreach (var linked in new[] { "models", "tests", Path.Combine("artifacts", "bin") })
        {
            Directory.CreateSymbolicLink(In(linked), Repository.Path(linked));
        }

        File.WriteAllText(In("artifacts", "fedllm.built"), string.Empty);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("fedllm-tree-").FullName;

    public string In(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>A command as the README writes it, at the tree's root, with more arguments.</summary>
    public Process Start(string command, params IReadOnlyList<string> more)
    {
        var path = $"{Program("builds-nothing", "dotnet", $"[ \"$1\" = build ] && exit 0\nexec '{Dotnet}' \"$@\"")}:{Environment.GetEnvironmentVariable("PATH")}";
        return Cli.Start("bash", ["-c", $"cd '{Root}' && exec {command} \"$@\"", "bash", .. more], ("PATH", path));
    }

    /// <summary>A script under a path that has the few programs that scripts call, and a <c>dotnet</c> of the test's own or none.</summary>
    public Task<(int Code, string Output, string Errors)> RunWithAsync(string? dotnet, string script, params string[] arguments)
    {
        var tools = Directory.CreateDirectory(In("tools")).FullName;
        foreach (var name in Programs.Where(name => !File.Exists(Path.Combine(tools, name))))
        {
            File.CreateSymbolicLink(Path.Combine(tools, name), new[] { "/usr/bin/", "/bin/" }.Select(folder => folder + name).First(File.Exists));
        }

        if (dotnet is not null)
        {
            Program("tools", "dotnet", dotnet);
        }

        return Cli.RunAsync("env", ["PATH=" + tools, In(script), .. arguments]);
    }

    /// <summary>The sources are newer than the build.</summary>
    public void MakeStale()
    {
        File.WriteAllText(In("src", "newer.cs"), string.Empty);
        File.SetLastWriteTimeUtc(In("artifacts", "fedllm.built"), DateTime.UnixEpoch);
    }

    public void Dispose() => Directory.Delete(Root, true);

    private static string Dotnet => Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(folder => Path.Combine(folder, "dotnet")).First(File.Exists);

    private string Program(string folder, string name, string body)
    {
        var at = Directory.CreateDirectory(In(folder)).FullName;
        File.WriteAllText(Path.Combine(at, name), "#!/usr/bin/env bash\n" + body + "\n");
        File.SetUnixFileMode(Path.Combine(at, name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return at;
    }
}
