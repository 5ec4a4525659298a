using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>The scripts below <c>clients/</c>; skips where their packages are not installed (<c>./test.sh</c> installs them where npm is there).</summary>
internal static class NodeClients
{
    private static string Folder => Repository.Path("tests", "FederatedDpLlm.EndToEnd.Tests", "clients");

    public static string Require(string script)
    {
        Assert.SkipUnless(Directory.Exists(Path.Combine(Folder, "node_modules", "openai")), "needs npm: 'npm ci' in tests/FederatedDpLlm.EndToEnd.Tests/clients installs the clients");
        return Path.Combine(Folder, script);
    }

    public static string RequireChromium()
    {
        var found = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(found is null, "needs Chromium (Debian's package 'chromium')");
        return found!;
    }
}
