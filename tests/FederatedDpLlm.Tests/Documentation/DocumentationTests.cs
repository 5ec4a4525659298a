using System.Text.RegularExpressions;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Tests.Documentation;

/// <summary>Prose rots unless a test reads it.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string[] Documents = [.. Directory
        .EnumerateFiles(Repository.Root, "*.md", SearchOption.AllDirectories)
        .Where(path => !Path.GetRelativePath(Repository.Root, path).Split(Path.DirectorySeparatorChar).Any(part => part is "artifacts" or "node_modules" or "obj" or "bin"))];

    private static readonly Lazy<HashSet<string>> Types = new(() => [.. Directory
        .EnumerateFiles(Repository.Path("src"), "*.cs", SearchOption.AllDirectories)
        .SelectMany(file => TypeDeclaration().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value))]);

    [Fact]
    public void Every_type_of_the_glossary_exists()
    {
        var rows = File.ReadLines(Repository.Path("docs", "glossary.md")).TakeWhile(line => !line.StartsWith("| our word", StringComparison.Ordinal)).Where(line => line.StartsWith('|')).Skip(2);
        var named = rows.SelectMany(row => Code().Matches(row.Split('|')[3]).Select(match => match.Groups[1].Value)).ToList();
        Assert.True(named.Count > 25);
        Assert.All(named, name => Assert.Contains(name, Types.Value));
    }

    [Fact]
    public void Every_link_between_documents_leads_somewhere()
    {
        var broken = Documents.SelectMany(document => Link().Matches(File.ReadAllText(document)).Select(match => match.Groups[1].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith('#'))
            .Where(target => !Path.Exists(Path.Combine(Path.GetDirectoryName(document)!, target.Split('#')[0])))
            .Select(target => $"{Path.GetFileName(document)} -> {target}"));
        Assert.Empty(broken);
    }

    [Fact]
    public void Every_source_file_that_a_document_names_exists()
    {
        var broken = Documents.SelectMany(document => Code().Matches(File.ReadAllText(document)).Select(match => match.Groups[1].Value)
            .Where(code => SourcePath().IsMatch(code))
            .Where(code => !Path.Exists(Repository.Path(code)))
            .Select(code => $"{Path.GetFileName(document)} -> {code}"));
        Assert.Empty(broken);
    }

    [Fact]
    public void The_house_is_described_by_itself_alone()
    {
        string[] foreign = ["/" + "work/", ".." + "/shared", "issue " + "#", "nuget" + ".org", "registry." + "npmjs"];
        Assert.All(Documents, document => Assert.All(foreign, word => Assert.DoesNotContain(word, File.ReadAllText(document), StringComparison.OrdinalIgnoreCase)));
    }

    [GeneratedRegex(@"(?:class|record|struct|interface|enum)\s+(?:struct\s+|class\s+)?(\w+)")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^(src|tests|bench|docs|models)/[\w./-]+$")]
    private static partial Regex SourcePath();
}
