using System.Text.RegularExpressions;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Every command in the README's fenced blocks is run, against the shared federation's port, folder and token.</summary>
[Collection(SharedFederationCollection.Name)]
public sealed partial class ReadmeTests(SharedFederation shared)
{
    // Commands that other tests run: the demo itself (ScriptTests), the suite that is running, a list of benchmarks, records of one's own.
    private static readonly string[] RunElsewhere = ["./run.sh", "./test.sh", "./bench.sh"];

    [Fact]
    public async Task Every_command_in_the_readme_does_what_it_says()
    {
        var commands = Fenced().Matches(await File.ReadAllTextAsync(Repository.Path("README.md"), TestContext.Current.CancellationToken))
            .SelectMany(block => Joined(block.Groups[1].Value)).Where(command => !RunElsewhere.Contains(command.Split(' ')[0])).ToList();
        Assert.True(commands.Count >= 7);
        var token = await shared.Demo.TokenForAsync("reader-of-the-readme");
        foreach (var command in commands)
        {
            var here = command.Replace("http://127.0.0.1:8080", shared.Demo.Url, StringComparison.Ordinal).Replace("$TOKEN", token, StringComparison.Ordinal);
            if (here.StartsWith("./fedllm ", StringComparison.Ordinal))
            {
                here = $"dotnet '{Repository.Path("artifacts", "bin", "FederatedDpLlm.Cli", "release", "fedllm.dll")}' {here["./fedllm ".Length..]}";
                here += NeedsData(command) ? $" --data '{shared.Demo.DataFolder}'" : string.Empty;
            }

            var (code, output, errors) = await Cli.RunAsync("bash", ["-c", here]);
            Assert.True(code == 0, $"{command}\n{output}{errors}");
            Assert.True(output.Length > 0, command);
            Assert.DoesNotContain("\"error\"", output, StringComparison.Ordinal);
        }
    }

    private static bool NeedsData(string command) => command.Split(' ')[1] is "budget" or "audit" or "token";

    // A command may go on over lines: by a backslash, or inside quotes.
    private static IEnumerable<string> Joined(string block)
    {
        var open = string.Empty;
        foreach (var line in block.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
        {
            open += open.Length == 0 ? line : "\n" + line;
            if (open.Count(character => character == '\'') % 2 == 0)
            {
                if (!string.IsNullOrWhiteSpace(open))
                {
                    yield return open.Trim();
                }

                open = string.Empty;
            }
        }
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Fenced();
}
