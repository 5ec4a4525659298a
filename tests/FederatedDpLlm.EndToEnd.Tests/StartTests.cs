using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>A configuration that would weaken a promise, or cannot work, ends the start with a sentence that says what to do.</summary>
[Collection(SharedFederationCollection.Name)]
public sealed class StartTests(SharedFederation shared)
{
    [Theory]
    [InlineData(@"api: \{address: 127\.0\.0\.1", "api: {address: 0.0.0.0", "allow_clear_text")]
    [InlineData(@"api: \{address: 127\.0\.0\.1", "api: {certificate: none.pem, address: 127.0.0.1", "belong together")]
    [InlineData(@"address: 'https://127", "address: 'ftp://127", "https://HOST:PORT")]
    [InlineData(@"id: hospital-b", "id: 'hospital b'", "https://HOST:PORT")]
    [InlineData(@"ledger: ledger\.db", "ledger: .", "cannot be")]
    [InlineData(@"answers: answers\.db", "answers: .", "answers")]
    [InlineData("strategy: privacy-aware", "strategy: privacy_aware", "round-robin")]
    [InlineData("answer_timeout_seconds: 300", "answer_timeout_seconds: 0", "1 to 3600")]
    public async Task A_router_that_must_not_start_says_why(string pattern, string changed, string said) => await RefusesAsync("router", "router.yaml", "FederatedDpLlm.Router", pattern, changed, said);

    [Theory]
    [InlineData("shards: 25", "shards: -1", "records.shards")]
    [InlineData("shards: 25", "shards: 4097", "records.shards")]
    [InlineData("shards: 25", "map: text, shards: 25", "records.map")]
    [InlineData("shard_key: [^,}\\n]+", "shard_key: none/shard.key", "cannot be made or read")]
    [InlineData("hospitals_per_patient: 2", "hospitals_per_patient: 0", "hospitals_per_patient")]
    [InlineData("delta: 1\\.0e-6", "delta: 1.0e-5", "stays so")]
    [InlineData("admission_windows: none", "admission_windows: daily", "daily")]
    [InlineData("epsilon: 60\\.0", "epsilon: 600.0", "raised_from: 60")]
    public async Task A_node_that_must_not_start_says_why(string pattern, string changed, string said) =>
        await RefusesAsync(Path.Combine("nodes", "hospital-a"), "node.yaml", "FederatedDpLlm.Node", pattern, changed, said);

    [Fact]
    public async Task A_quota_that_has_spent_is_counted_on_as_it_was_until_its_window_ends()
    {
        Assert.Equal(200, (await shared.Demo.AskAsync(await shared.Demo.TokenForAsync("spends-first", "research"), FederationUnderTest.Choice(0.01))).Status);
        await RefusesAsync("router", "router.yaml", "FederatedDpLlm.Router", "composition: basic", "composition: zcdp", "until then keep");
    }

    [Theory]
    [InlineData("router", "router.yaml", "FederatedDpLlm.Router", @"api: \{address: [^,]+, port: (\d+)", "router: ")]
    [InlineData("router", "router.yaml", "FederatedDpLlm.Router", @"metrics: \{address: [^,]+, port: (\d+)", "router: ")]
    [InlineData("nodes/hospital-a", "node.yaml", "FederatedDpLlm.Node", @"listen: \{address: [^,]+, port: (\d+)", "node: ")]
    public async Task A_port_that_somebody_else_took_ends_the_start_with_one_sentence(string part, string file, string program, string port, string who)
    {
        var folder = Copy(part, file, "^", string.Empty);
        var taken = Regex.Match(await File.ReadAllTextAsync(Path.Combine(folder, file), TestContext.Current.CancellationToken), port).Groups[1].Value;
        using var holder = new TcpListener(IPAddress.Loopback, int.Parse(taken, CultureInfo.InvariantCulture));
        holder.Start();
        using var process = Start(folder, file, program);
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 3, $"{process.ExitCode}: {errors}");
        Assert.StartsWith(who, Assert.Single(errors.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Contains(taken, errors, StringComparison.Ordinal);
        Assert.True(!(await output).Contains("   at ", StringComparison.Ordinal), await output);
        Directory.Delete(folder, true);
    }

    [Fact]
    public async Task With_a_certificate_the_api_answers_over_tls_and_not_in_clear()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256) { CertificateExtensions = { names.Build() } };
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var folder = Copy("router", "router.yaml", @"api: \{address: 127\.0\.0\.1", "api: {certificate: api.pem, key: api.key, address: 127.0.0.1");
        await File.WriteAllTextAsync(Path.Combine(folder, "api.pem"), certificate.ExportCertificatePem(), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "api.key"), key.ExportPkcs8PrivateKeyPem(), TestContext.Current.CancellationToken);
        var port = int.Parse(Regex.Match(await File.ReadAllTextAsync(Path.Combine(folder, "router.yaml"), TestContext.Current.CancellationToken), @"api: .*port: (\d+)").Groups[1].Value);
        using var router = Start(folder, "router.yaml", "FederatedDpLlm.Router");
        try
        {
            using var client = new HttpClient(new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, shown, _, _) => shown!.Thumbprint == certificate.Thumbprint });
            await Patience.UntilAsync(async () => await client.GetStringAsync($"https://localhost:{port}/health/live") == "live", "the API answers over TLS");
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync($"http://localhost:{port}/health/live", TestContext.Current.CancellationToken));
        }
        finally
        {
            router.Kill();
            await router.WaitForExitAsync(CancellationToken.None);
            Directory.Delete(folder, true);
        }
    }

    private async Task RefusesAsync(string part, string file, string program, string pattern, string changed, string said)
    {
        var folder = Copy(part, file, pattern, changed);
        using var process = Start(folder, file, program);
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 2, $"{process.ExitCode}: {errors}");
        Assert.Contains(said, errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
        Directory.Delete(folder, true);
    }

    // A copy of a part of the shared federation with ports of its own; its ledger as it stands.
    private string Copy(string part, string file, string pattern, string changed)
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-start-").FullName;
        foreach (var one in Directory.GetFiles(Path.Combine(shared.Demo.DataFolder, part)).Where(one => !one.EndsWith(".lock", StringComparison.Ordinal)))
        {
            File.Copy(one, Path.Combine(folder, Path.GetFileName(one)));
        }

        var path = Path.Combine(folder, file);
        var text = File.ReadAllText(path);
        Assert.Matches(pattern, text);
        text = Regex.Replace(text, @"(api|metrics|listen): \{address: ([^,]+), port: \d+", match => $"{match.Groups[1].Value}: {{address: {match.Groups[2].Value}, port: {Cli.FreePort()}");
        File.WriteAllText(path, Regex.Replace(text, pattern, changed));
        return folder;
    }

    private static Process Start(string folder, string file, string program) =>
        Cli.Start("dotnet", [Repository.Path("artifacts", "bin", program, "release", program + ".dll")], ("CONFIG_FILE", Path.Combine(folder, file)));
}
