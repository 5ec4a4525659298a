using System.Text.RegularExpressions;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Tests.Architecture;

/// <summary>The arrows of docs/architecture.md: a room may use the rooms below it, never one above or beside it.</summary>
public sealed partial class ArrowTests
{
    // Top to bottom; rooms of one row do not use each other.
    private static readonly string[][] Rows =
    [
        ["Routing"],
        ["Federation/Nodes"],
        ["Inference"],
        ["Budgets"],
        ["Security"],
        ["Protocol", "Hosting", "Configuration"],
    ];

    [Fact]
    public void A_room_uses_only_rooms_below_it()
    {
        var violations = new List<string>();
        var product = Repository.Path("src", "FederatedDpLlm");
        for (var row = 0; row < Rows.Length; row++)
        {
            foreach (var room in Rows[row])
            {
                // A room may mention itself and what is below; everything else in its row and above is out.
                var forbidden = Rows.Take(row + 1).SelectMany(rooms => rooms).Where(other => other != room).Select(ToNamespace).ToList();
                foreach (var file in FilesOf(Path.Combine(product, room)))
                {
                    var text = File.ReadAllText(file);
                    violations.AddRange(forbidden
                        .Where(name => Regex.IsMatch(text, $@"\b{Regex.Escape(name)}\b"))
                        .Select(name => $"{Path.GetRelativePath(product, file)} -> {name}"));
                }
            }
        }

        Assert.Empty(violations);
    }

    [Theory, InlineData("Privacy", ""), InlineData("SecureAggregation", "Privacy"), InlineData("Models", "Privacy")]
    public void A_core_stands_on_the_privacy_core_alone(string core, string allowed)
    {
        var project = File.ReadAllText(Repository.Path("src", $"FederatedDpLlm.{core}", $"FederatedDpLlm.{core}.csproj"));
        var references = ProjectReference().Matches(project).Select(match => match.Groups[1].Value);
        Assert.All(references, reference => Assert.Equal($"FederatedDpLlm.{allowed}", reference));
        Assert.DoesNotContain("FrameworkReference", project, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_room_that_the_product_has_is_in_the_table()
    {
        var rooms = Directory.GetDirectories(Repository.Path("src", "FederatedDpLlm"))
            .Select(Path.GetFileName).Where(name => name is not ("obj" or "bin"));
        Assert.All(rooms, room => Assert.Contains(Rows.SelectMany(row => row), listed => listed.Split('/')[0] == room));
    }

    private static string ToNamespace(string room) => "FederatedDpLlm." + room.Replace('/', '.');

    private static IEnumerable<string> FilesOf(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories) : [];

    [GeneratedRegex(@"ProjectReference Include=""\.\./([^/]+)/")]
    private static partial Regex ProjectReference();
}
