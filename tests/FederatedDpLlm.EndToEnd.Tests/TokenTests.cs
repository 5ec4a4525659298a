using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using FederatedDpLlm.Security.Authentication;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Whoever has no valid token learns that, and nothing else.</summary>
[Collection(SharedFederationCollection.Name)]
public sealed class TokenTests(SharedFederation shared)
{
    private static readonly Caller Somebody = new("somebody", Roles.Clinician, "general");

    [Fact]
    public async Task Every_wrong_token_gets_the_same_answer()
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(await File.ReadAllTextAsync(Path.Combine(shared.Demo.DataFolder, "federation", "token-signing.key"), TestContext.Current.CancellationToken));
        using var forger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var good = shared.Demo.Token.Split('.');
        string?[] wrong =
        [
            null,
            "nonsense",
            Token(forger, "fedllm-demo", "fedllm-router"),
            Token(key, "fedllm-demo", "elsewhere"),
            Token(key, "somebody-else", "fedllm-router"),
            Token(key, "fedllm-demo", "fedllm-router", TimeSpan.FromHours(-2)),
            $"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{good[1]}.",
            $"{good[0]}.{good[1]}.{good[2][..^4]}AAAA",
        ];
        var answers = new List<(HttpStatusCode, string)>();
        foreach (var token in wrong)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(FederationUnderTest.Choice(1)) };
            request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
            using var response = await shared.Demo.Client.SendAsync(request, TestContext.Current.CancellationToken);
            answers.Add((response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
        }

        Assert.Equal(HttpStatusCode.Unauthorized, Assert.Single(answers.Distinct()).Item1);
    }

    [Fact]
    public async Task A_token_of_the_demos_own_issuer_is_good() => Assert.Equal(200, (await shared.Demo.AskAsync(await shared.Demo.TokenForAsync("token-tests", "cardiology"), FederationUnderTest.Choice(0.1))).Status);

    [Fact]
    public async Task An_observing_role_does_not_ask() =>
        Assert.Equal(403, (await shared.Demo.AskAsync(await shared.Demo.TokenForAsync("an-officer", role: "privacy-officer"), FederationUnderTest.Choice(0.1))).Status);

    private static string Token(ECDsa key, string issuer, string audience, TimeSpan? age = null) =>
        new TokenIssuer(key, issuer, audience, new Shifted(age ?? TimeSpan.Zero)).Issue(Somebody, TimeSpan.FromHours(1));

    private sealed class Shifted(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => TimeProvider.System.GetUtcNow() + by;
    }
}
