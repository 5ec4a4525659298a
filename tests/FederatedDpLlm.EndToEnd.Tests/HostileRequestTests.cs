using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>Requests that no honest client sends: each gets its error, and the router goes on.</summary>
[Collection(SharedFederationCollection.Name)]
public sealed class HostileRequestTests(SharedFederation shared)
{
    [Theory]
    [InlineData("\"n\": 2000000000", "n"), InlineData("\"n\": -1", "n"), InlineData("\"n\": 0", "n"), InlineData("\"n\": 17", "n")]
    [InlineData("\"privacy\": {\"epsilom\": 0.001}", "$.privacy.epsilom"), InlineData("\"privacy\": {\"epsilon\": 0.001, \"epsilon\": 90}", "$.privacy.epsilon")]
    [InlineData("\"privacy\": {\"choices\": [\"\\ud800\", \"a\"]}", null), InlineData("\"stop\": \"\\ud800\"", "stop")]
    public async Task A_field_that_cannot_be_is_an_error_that_names_it(string field, string? parameter)
    {
        var (status, body) = await SendAsync(await shared.Demo.TokenForAsync("hostile", "cardiology"), "{\"model\": \"ward-2m\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}], " + field + "}");
        Assert.Equal(400, status);
        var error = body.GetProperty("error");
        Assert.True(parameter is null || error.GetProperty("param").GetString() == parameter, error.ToString());
        Assert.Equal(0, await shared.Demo.SpentByAsync("hostile"));
    }

    [Fact]
    public async Task A_body_that_is_no_utf8_is_an_error_of_its_own()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new ByteArrayContent([.. "{\"model\": \"ward-2m\", \"response_format\": {\"x\": \""u8, 0xC3, .. "\"}}"u8]) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await shared.Demo.TokenForAsync("hostile", "cardiology"));
        using var response = await shared.Demo.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Contains("not UTF-8", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task A_user_whose_name_is_no_ascii_asks_under_an_id_of_his_own_as_others_do()
    {
        var token = await shared.Demo.TokenForAsync("Jürgen Größe", "cardiology");
        var body = JsonSerializer.Serialize(FederationUnderTest.Choice(0.01));
        var (status, first) = await SendAsync(token, body, "one");
        Assert.True(status == 200, first.ToString());
        Assert.Equal(first.ToString(), (await SendAsync(token, body, "one")).Body.ToString());
    }

    [Theory, InlineData(96, 200), InlineData(97, 400)]
    public async Task The_longest_name_with_the_longest_id_is_a_request_and_one_more_is_an_error(int length, int expected)
    {
        var token = await shared.Demo.TokenForAsync(new string('u', 128), "cardiology");
        Assert.Equal(expected, (await SendAsync(token, JsonSerializer.Serialize(FederationUnderTest.Choice(0.01)), new string('k', length))).Status);
    }

    [Theory, InlineData("evil.example", 401), InlineData("127.0.0.1.evil.example", 401), InlineData("localhost", 200), InlineData("127.0.0.1", 200), InlineData("[::1]", 200)]
    public async Task A_page_of_another_site_cannot_read_accounts_through_a_name_of_its_own(string host, int expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/federation") { Headers = { Host = host } };
        using var response = await shared.Demo.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(expected, (int)response.StatusCode);
    }

    [Theory, InlineData("trailing "), InlineData("ali\u202ece"), InlineData("zero\u200bwidth")]
    public async Task A_name_that_only_looks_like_anothers_is_no_user(string user) =>
        Assert.Equal((int)HttpStatusCode.Unauthorized, (await SendAsync(await shared.Demo.TokenForAsync(user, "cardiology"), JsonSerializer.Serialize(FederationUnderTest.Choice(0.01)))).Status);

    [Fact]
    public async Task Questions_to_the_base_model_are_spread_over_the_hospitals()
    {
        var token = await shared.Demo.TokenForAsync("public-asker", "cardiology");
        var body = "{\"model\": \"ward-2m\", \"max_tokens\": 40, \"messages\": [{\"role\": \"user\", \"content\": \"Tell me a story.\"}], \"privacy\": {\"mechanism\": \"public\", \"strategy\": \"privacy-aware\"}}";
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => SendAsync(token, body)));
        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.True(answers.Select(answer => answer.Body.GetProperty("privacy").GetProperty("nodes")[0].GetString()).Distinct().Count() > 1);
    }

    private async Task<(int Status, JsonElement Body)> SendAsync(string token, string body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var response = await shared.Demo.Client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }
}
