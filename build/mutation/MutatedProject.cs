using System.Diagnostics;
using System.Text.Json;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace FederatedDpLlm.Mutation;

/// <summary>A project compiled once with all mutants in it. What the build knows (files, references, options) is asked of the build.</summary>
internal sealed class MutatedProject
{
    private readonly string _folder;
    private readonly CSharpParseOptions _parse;
    private readonly CSharpCompilationOptions _options;
    private readonly List<MetadataReference> _references;
    private readonly List<SyntaxTree> _trees;

    public MutatedProject(string projectFile)
    {
        _folder = Path.GetDirectoryName(Path.GetFullPath(projectFile))!;
        using var build = JsonDocument.Parse(Run("dotnet", "build", projectFile, "-c", "Release", "--nologo", "-v", "quiet", "-t:Build", "-getItem:Compile", "-getItem:ReferencePathWithRefAssemblies", "-getItem:Analyzer",
            "-getProperty:DefineConstants", "-getProperty:AssemblyName", "-getProperty:CheckForOverflowUnderflow"));
        var properties = build.RootElement.GetProperty("Properties");
        AssemblyName = properties.GetProperty("AssemblyName").GetString()!;
        _parse = new CSharpParseOptions(LanguageVersion.Latest, DocumentationMode.None, preprocessorSymbols: properties.GetProperty("DefineConstants").GetString()!.Split(';', StringSplitOptions.RemoveEmptyEntries));
        _options = new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable,
            checkOverflow: string.Equals(properties.GetProperty("CheckForOverflowUnderflow").GetString(), "true", StringComparison.OrdinalIgnoreCase));
        _references = [.. Items(build, "ReferencePathWithRefAssemblies").Select(path => MetadataReference.CreateFromFile(path))];
        _trees = [.. Items(build, "Compile").Select(path => CSharpSyntaxTree.ParseText(File.ReadAllText(path), _parse, path))];
        _trees.AddRange(Generated(Items(build, "Analyzer")));
    }

    public string AssemblyName { get; }

    /// <summary>Compiles the mutants of the files that match; those that do not compile are left out. Ids are given in the order of the files.</summary>
    public List<Mutant> Compile(Func<string, bool> isChosen, string assembly)
    {
        var refused = new HashSet<Mutant>();
        for (var attempt = 0; attempt < 30; attempt++)
        {
            var mutants = new List<Mutant>();
            int? Number(Mutant mutant)
            {
                if (refused.Contains(mutant))
                {
                    return null;
                }

                mutant.Id = mutants.Count;
                mutants.Add(mutant);
                return mutant.Id;
            }

            var trees = _trees.Select(tree => Relative(tree) is var file && isChosen(file) ? tree.WithRootAndOptions(new Schemata(file, Number).Visit(tree.GetRoot())!, _parse) : tree).ToList();
            trees.Add(CSharpSyntaxTree.ParseText(Switch(), _parse));
            var result = CSharpCompilation.Create(AssemblyName, trees, _references, _options).Emit(assembly);
            if (result.Success)
            {
                return mutants;
            }

            var before = refused.Count;
            foreach (var error in result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error))
            {
                foreach (var id in Guilty(error))
                {
                    // Ids are given anew at each attempt; the record without its id stays the same.
                    refused.Add(mutants[id] with { Id = 0 });
                }
            }

            mutants.ForEach(mutant => mutant.Id = 0);
            if (refused.Count == before)
            {
                throw new InvalidOperationException("The mutated project does not compile: " + result.Diagnostics.First(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
            }
        }

        throw new InvalidOperationException("The mutated project does not compile after 30 attempts.");
    }

    // What source generators add (regular expressions, for instance); it is not mutated.
    private IEnumerable<SyntaxTree> Generated(IEnumerable<string> analyzers)
    {
        var loader = new FromPath();
        var generators = analyzers.SelectMany(path => new AnalyzerFileReference(path, loader).GetGenerators(LanguageNames.CSharp));
        return CSharpGeneratorDriver.Create(generators, parseOptions: _parse).RunGenerators(CSharpCompilation.Create(AssemblyName, _trees, _references, _options)).GetRunResult().GeneratedTrees;
    }

    private sealed class FromPath : IAnalyzerAssemblyLoader
    {
        public void AddDependencyLocation(string fullPath)
        {
        }

        public System.Reflection.Assembly LoadFromPath(string fullPath) => System.Reflection.Assembly.LoadFrom(fullPath);
    }

    // A place with mutants inside of what is wrong (a number that has another type behind the switch), else the innermost around it.
    private static int[] Guilty(Diagnostic error)
    {
        if (error.Location.SourceTree?.GetRoot().FindNode(error.Location.SourceSpan, getInnermostNodeForTie: true) is not { } place)
        {
            return [];
        }

        var inside = place.DescendantNodes().SelectMany(Numbers).ToArray();
        var found = inside.Length > 0 ? inside : place.AncestorsAndSelf().Select(Numbers).FirstOrDefault(numbers => numbers.Length > 0);

        // A variable that is not assigned on the wrong way: any removed statement or turned condition of the member may be the reason.
        return found ?? [.. place.FirstAncestorOrSelf<Microsoft.CodeAnalysis.CSharp.Syntax.MemberDeclarationSyntax>()?.DescendantNodes().SelectMany(Numbers) ?? []];
    }

    private static int[] Numbers(SyntaxNode node) => [.. node.GetAnnotations(Schemata.Annotation).SelectMany(annotation => annotation.Data!.Split(',')).Select(int.Parse)];

    private string Relative(SyntaxTree tree) => Path.GetRelativePath(_folder, tree.FilePath);

    private static string Switch() => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "MutantSwitch.txt"));

    private static IEnumerable<string> Items(JsonDocument build, string name) => build.RootElement.GetProperty("Items").GetProperty(name).EnumerateArray().Select(item => item.GetProperty("FullPath").GetString()!);

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} failed:\n{output}");
    }
}
