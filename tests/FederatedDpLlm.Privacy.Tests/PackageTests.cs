using System.Diagnostics;
using System.IO.Compression;
using System.Xml.Linq;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Privacy.Tests;

/// <summary>The library as others take it: a NuGet package of its own.</summary>
public sealed class PackageTests
{
    [Fact, Trait(TestLength.Name, TestLength.Ci)]
    public async Task The_library_packs_by_itself_with_its_documentation_and_its_readme_and_depends_on_nothing()
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-pack").FullName;
        try
        {
            var project = Repository.Path("src", "FederatedDpLlm.Privacy", "FederatedDpLlm.Privacy.csproj");
            using var pack = Process.Start(new ProcessStartInfo("dotnet", ["pack", project, "-c", "Release", "--no-build", "-o", folder, "-v", "quiet", "--nologo"]) { RedirectStandardOutput = true })!;
            var output = await pack.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await pack.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(pack.ExitCode == 0, output);

            using var package = await ZipFile.OpenReadAsync(Assert.Single(Directory.GetFiles(folder, "*.nupkg")), TestContext.Current.CancellationToken);
            Assert.All(["README.md", "lib/net10.0/FederatedDpLlm.Privacy.dll", "lib/net10.0/FederatedDpLlm.Privacy.xml"], name => Assert.NotNull(package.GetEntry(name)));
            await using var manifest = await package.GetEntry("FederatedDpLlm.Privacy.nuspec")!.OpenAsync(TestContext.Current.CancellationToken);
            var metadata = await XDocument.LoadAsync(manifest, LoadOptions.None, TestContext.Current.CancellationToken);
            Assert.Equal("Apache-2.0", metadata.Descendants().Single(element => element.Name.LocalName == "license").Value);
            Assert.DoesNotContain(metadata.Descendants(), element => element.Name.LocalName == "dependency");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
