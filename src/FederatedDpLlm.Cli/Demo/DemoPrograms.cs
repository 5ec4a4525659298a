namespace FederatedDpLlm.Cli.Demo;

/// <summary>Where the router's and the node's programs are: beside this one when published, in their own output folders in a built tree.</summary>
internal static class DemoPrograms
{
    public static string Router => Find("FederatedDpLlm.Router");

    public static string Node => Find("FederatedDpLlm.Node");

    /// <summary>This program.</summary>
    public static string Self => Path.Combine(AppContext.BaseDirectory, "fedllm.dll");

    private static string Find(string project)
    {
        var here = AppContext.BaseDirectory;
        var configuration = Path.GetFileName(here.TrimEnd(Path.DirectorySeparatorChar));
        string[] candidates =
        [
            Path.Combine(here, project + ".dll"),
            Path.Combine(here, "..", "..", project, configuration, project + ".dll"),
        ];
        return Array.Find(candidates, File.Exists) is { } found
            ? Path.GetFullPath(found)
            : throw new DemoException($"The program {project}.dll is neither beside fedllm nor in its build folder: build the solution ('dotnet build -c Release').");
    }
}
