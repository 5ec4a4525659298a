using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FederatedDpLlm.Inference.Engines.OpenAi;

/// <summary>Calls of one endpoint, each with a deadline and a cap on what is read. Redirects are not followed: a record goes where the hospital said, or nowhere.</summary>
internal sealed class OpenAiEndpoint : IDisposable
{
    private const int MaxAnswerBytes = 16 << 20;
    private const int MaxEventCharacters = 1 << 20;
    private readonly HttpClient _http;
    private readonly OpenAiEngineOptions _options;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _calls;

    public OpenAiEndpoint(OpenAiEngineOptions options, TimeProvider clock)
    {
        (_options, _clock) = (options, clock);
        _calls = new SemaphoreSlim(Math.Clamp(options.Parallelism, 1, 64));
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            BaseAddress = new Uri(options.BaseUrl.AbsoluteUri.TrimEnd('/') + "/"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
        if (options.ApiKey is { } key)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
    }

    /// <summary>One call with a JSON answer. At most <see cref="OpenAiEngineOptions.Parallelism"/> run at once.</summary>
    /// <exception cref="EngineException">The call failed in one of the ways of <see cref="EngineFault"/>.</exception>
    public async Task<JsonElement> PostAsync(string path, JsonObject body, CancellationToken cancellationToken)
    {
        await _calls.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await TranslateAsync(
                async deadline =>
                {
                    using var response = await SendAsync(path, body, HttpCompletionOption.ResponseContentRead, deadline).ConfigureAwait(false);
                    using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(deadline).ConfigureAwait(false));
                    return document.RootElement.Clone();
                },
                cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _calls.Release();
        }
    }

    /// <summary>The <c>data:</c> events of one streamed call, up to <c>[DONE]</c>. A stream that stops before it is no answer but half of one, and a fault.</summary>
    /// <exception cref="EngineException">The call failed in one of the ways of <see cref="EngineFault"/>.</exception>
    public async IAsyncEnumerable<JsonElement> StreamAsync(string path, JsonObject body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var response = await TranslateAsync(deadline => SendAsync(path, body, HttpCompletionOption.ResponseHeadersRead, deadline), cancellationToken).ConfigureAwait(false);
        using var disposing = response;
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), Encoding.UTF8);
        var line = new StringBuilder();
        var characters = new char[4096];
        for (int read; (read = await TranslateAsync(async deadline => await reader.ReadAsync(characters, deadline).ConfigureAwait(false), cancellationToken).ConfigureAwait(false)) > 0;)
        {
            for (var i = 0; i < read; i++)
            {
                if (characters[i] != '\n')
                {
                    line.Append(characters[i]);
                    continue;
                }

                var text = line.ToString().TrimEnd('\r');
                line.Clear();
                if (IsEnd(text))
                {
                    yield break;
                }

                if (EventOf(text) is { } piece)
                {
                    yield return piece;
                }
            }

            if (line.Length > MaxEventCharacters)
            {
                throw new EngineException(EngineFault.Malformed, "The engine's stream holds an event without an end.");
            }
        }

        if (!IsEnd(line.ToString()))
        {
            throw new EngineException(EngineFault.Unreachable, "The engine's stream stopped before its end: the answer is incomplete.");
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _calls.Dispose();
    }

    private async Task<HttpResponseMessage> SendAsync(string path, JsonObject body, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        var response = await _http.SendAsync(request, completion, cancellationToken).ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw new EngineException(EngineFault.Refused, $"The engine refused the call with status {(int)response.StatusCode}.");
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
            throw new EngineException(EngineFault.Malformed, $"The engine's answer is longer than {MaxAnswerBytes} bytes.", error);
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            throw new EngineException(EngineFault.Unreachable, "The engine cannot be reached, or the connection broke.", error);
        }
    }

    private static bool IsEnd(string line) => line is "data: [DONE]" or "data:[DONE]";

    // An engine that fails while it streams has sent its status long before, so it says so in an event: {"error": ...} as data, or a field of that name.
    private static JsonElement? EventOf(string line)
    {
        var piece = line.StartsWith("data:", StringComparison.Ordinal) ? Parse(line[5..]) : (JsonElement?)null;
        var failed = line.StartsWith("error:", StringComparison.Ordinal)
            || (piece is { ValueKind: JsonValueKind.Object } data && data.TryGetProperty("error", out var error) && error.ValueKind != JsonValueKind.Null);
        return failed ? throw new EngineException(EngineFault.Refused, "The engine failed in the middle of its answer.") : piece;
    }

    private static JsonElement Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new EngineException(EngineFault.Malformed, "The engine's stream is no JSON.");
        }
    }
}
