using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>Calls of one server, each with a deadline and a cap on what is read. Redirects are not followed: a record goes where the hospital said, or nowhere.</summary>
internal sealed class EngineEndpoint : IDisposable
{
    private const int MaxAnswerBytes = 16 << 20;
    private readonly HttpClient _http;
    private readonly RemoteEngineOptions _options;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _calls;

    public EngineEndpoint(RemoteEngineOptions options, TimeProvider clock)
    {
        (_options, _clock) = (options, clock);
        _calls = new SemaphoreSlim(Math.Clamp(options.Parallelism, 1, 64));
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            BaseAddress = Root(options),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
        if (options.ApiKey is { } key)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
    }

    /// <summary>A question about the server itself, which waits for no place among the calls.</summary>
    /// <exception cref="EngineException">The call failed in one of the ways of <see cref="EngineFault"/>.</exception>
    public Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken) => CallAsync(HttpMethod.Get, path, null, ReadJsonAsync, cancellationToken);

    /// <inheritdoc cref="GetAsync"/>
    public Task<string> GetTextAsync(string path, CancellationToken cancellationToken) =>
        CallAsync(HttpMethod.Get, path, null, (content, deadline) => content.ReadAsStringAsync(deadline), cancellationToken);

    /// <inheritdoc cref="GetAsync"/>
    public Task<JsonElement> LookUpAsync(string path, JsonNode body, CancellationToken cancellationToken) => CallAsync(HttpMethod.Post, path, body, ReadJsonAsync, cancellationToken);

    /// <summary>A change of the server itself; what it answers beside its status is not read.</summary>
    /// <exception cref="EngineException">The call failed in one of the ways of <see cref="EngineFault"/>.</exception>
    public Task ChangeAsync(string path, JsonNode body, CancellationToken cancellationToken) => CallAsync(HttpMethod.Post, path, body, (_, _) => Task.FromResult(true), cancellationToken);

    /// <summary>One call of the model. At most <see cref="RemoteEngineOptions.Parallelism"/> run at once.</summary>
    /// <exception cref="EngineException">The call failed in one of the ways of <see cref="EngineFault"/>.</exception>
    public async Task<JsonElement> PostAsync(string path, JsonNode body, CancellationToken cancellationToken)
    {
        await _calls.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await LookUpAsync(path, body, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _calls.Release();
        }
    }

    /// <summary>The lines of one streamed call. Each has to come within the deadline; leaving the loop closes the connection, which tells the server to stop.</summary>
    /// <exception cref="EngineException">The call failed in one of the ways of <see cref="EngineFault"/>.</exception>
    public async IAsyncEnumerable<string> LinesAsync(string path, JsonNode body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var response = await TranslateAsync(deadline => SendAsync(HttpMethod.Post, path, body, HttpCompletionOption.ResponseHeadersRead, deadline), cancellationToken).ConfigureAwait(false);
        using var disposing = response;
        using var lines = new BoundedLineReader(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
        while (await TranslateAsync(lines.ReadAsync, cancellationToken).ConfigureAwait(false) is { } line)
        {
            yield return line;
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _calls.Dispose();
    }

    // Other servers keep what is theirs alone beside OpenAI's version folder.
    private static Uri Root(RemoteEngineOptions options)
    {
        var address = options.BaseUrl.AbsoluteUri.TrimEnd('/');
        return new Uri((options.Kind != EngineKind.OpenAi && address.EndsWith("/v1", StringComparison.Ordinal) ? address[..^3] : address) + "/");
    }

    private static async Task<JsonElement> ReadJsonAsync(HttpContent content, CancellationToken cancellationToken)
    {
        using var document = JsonDocument.Parse(await content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
        return document.RootElement.Clone();
    }

    private Task<T> CallAsync<T>(HttpMethod method, string path, JsonNode? body, Func<HttpContent, CancellationToken, Task<T>> read, CancellationToken cancellationToken) =>
        TranslateAsync(
            async deadline =>
            {
                using var response = await SendAsync(method, path, body, HttpCompletionOption.ResponseContentRead, deadline).ConfigureAwait(false);
                return await read(response.Content, deadline).ConfigureAwait(false);
            },
            cancellationToken);

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, JsonNode? body, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        var response = await _http.SendAsync(request, completion, cancellationToken).ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw new EngineException(EngineFault.Refused, $"The engine refused the call with status {(int)response.StatusCode}.") { Status = (int)response.StatusCode };
        }
    }

    private async Task<T> TranslateAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(_options.Timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            return await call(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EngineException(EngineFault.Timeout, $"The engine gave no answer within {_options.Timeout.TotalSeconds:0} seconds.", error);
        }
        catch (JsonException)
        {
            throw new EngineException(EngineFault.Malformed, "The engine's answer is no JSON.");
        }
        catch (HttpRequestException error) when (error.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw new EngineException(EngineFault.Oversized, $"The engine's answer is longer than {MaxAnswerBytes} bytes.", error);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw new EngineException(EngineFault.Unreachable, "The engine cannot be reached, or the connection broke.", error);
        }
    }
}
