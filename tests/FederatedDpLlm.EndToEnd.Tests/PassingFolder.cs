namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Folders for the state of demos, gone when the tests end: a later demo of the same test may go on from an earlier one's.</summary>
internal static class PassingFolder
{
    private static readonly Lazy<DirectoryInfo> All = new(() =>
    {
        var all = Directory.CreateTempSubdirectory("fedllm-e2e-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => all.Delete(recursive: true);
        return all;
    });

    public static string Make() => All.Value.CreateSubdirectory(Guid.NewGuid().ToString("N")).FullName;
}
