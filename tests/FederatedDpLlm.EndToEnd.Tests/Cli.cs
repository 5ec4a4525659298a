using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>The command line as a process, the way scripts run it.</summary>
internal static class Cli
{
    private static string Program => Repository.Path("artifacts", "bin", "FederatedDpLlm.Cli", "release", "fedllm.dll");

    /// <summary>The words that start it, before its arguments.</summary>
    public static IReadOnlyList<string> CommandLine => ["dotnet", Program];

    public static Process Start(IReadOnlyList<string> arguments, params IReadOnlyList<(string Name, string Value)> environment) => Start("dotnet", [Program, .. arguments], environment);

    public static async Task<(int Code, string Output, string Errors)> RunAsync(params IReadOnlyList<string> arguments) => await RunAsync("dotnet", [Program, .. arguments]);

    /// <summary>The one line of JSON that a command with <c>--json</c> prints.</summary>
    public static async Task<JsonElement> JsonAsync(IReadOnlyList<string> arguments)
    {
        var (_, output, errors) = await RunAsync(arguments);
        Assert.True(output.TrimEnd('\n').Split('\n') is [{ Length: > 0 }], $"One line of JSON was expected, not '{output}' ({errors})");
        return JsonSerializer.Deserialize<JsonElement>(output);
    }

    public static Task<(int Code, string Output, string Errors)> RunAsync(string file, IReadOnlyList<string> arguments) => RunAsync(file, arguments, TimeSpan.FromMinutes(3));

    /// <summary>A process that has not ended by then is ended.</summary>
    public static async Task<(int Code, string Output, string Errors)> RunAsync(string file, IReadOnlyList<string> arguments, TimeSpan within)
    {
        using var process = Start(file, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(within);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, await output, await errors);
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public static Process Start(string file, IReadOnlyList<string> arguments, params IReadOnlyList<(string Name, string Value)> environment)
    {
        var start = new ProcessStartInfo(file) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, UseShellExecute = false };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>Both verifiers, each in a process of its own, find nothing wrong with a demo's folder.</summary>
    public static async Task AssertVerifiedAsync(string dataFolder)
    {
        foreach (var what in new[] { "budget", "audit" })
        {
            var verified = await RunAsync(what, "verify", "--data", dataFolder, "--json");
            Assert.True(verified.Code == 0, verified.Output + verified.Errors);
        }
    }
}
