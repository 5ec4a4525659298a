using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using FederatedDpLlm.Security.Authentication;
using FederatedDpLlm.Security.Encryption;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FederatedDpLlm.Routing.Retries;

/// <summary>
/// One request id, one answer: who repeats a request under its id gets the answer that was given and paid for. Ids are the caller's own; an id that comes with another body
/// is refused. Deletes what has outlived its time once a minute.
/// </summary>
public sealed partial class AnswerRetries(AnswerStore store, AtRestKey key, TimeProvider clock, ILogger<AnswerRetries> logger) : BackgroundService
{
    private static readonly TimeSpan ForgetEvery = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, byte[]> _underWay = new(StringComparer.Ordinal);

    /// <summary>A keyed hash of the request and of who asks: all that is kept of it.</summary>
    public byte[] FingerprintOf(Caller caller, ReadOnlySpan<byte> body) =>
        key.Fingerprint([.. Encoding.UTF8.GetBytes($"{caller.User}\n{caller.Role}\n{caller.Department}\n"), .. body]);

    /// <exception cref="SqliteException">The store cannot be read.</exception>
    public async Task<RetryStart> BeginAsync(string requestId, byte[] request)
    {
        if (!_underWay.TryAdd(requestId, request))
        {
            return _underWay.TryGetValue(requestId, out var running) && !Same(running, request) ? new RetryStart.OtherRequest() : new RetryStart.UnderWay();
        }

        RetryStart start = new RetryStart.UnderWay();
        try
        {
            start = await store.FindAsync(requestId).ConfigureAwait(false) switch
            {
                null => new RetryStart.First(),
                { } stored when Same(stored.Request, request) => new RetryStart.Stored(stored.Body),
                _ => new RetryStart.OtherRequest(),
            };
            return start;
        }
        finally
        {
            if (start is not RetryStart.First)
            {
                End(requestId);
            }
        }
    }

    /// <summary>Keeps the answer, before it leaves. Where the disk fails the answer leaves all the same: it is paid for, and only a repeat will miss it.</summary>
    public async Task KeepAsync(string requestId, StoredAnswer answer)
    {
        try
        {
            await store.KeepAsync(requestId, answer).ConfigureAwait(false);
        }
        catch (SqliteException failure)
        {
            NotKept(logger, requestId, failure);
        }
    }

    /// <summary>From now on a repeat finds the stored answer, or none.</summary>
    public void End(string requestId) => _underWay.TryRemove(requestId, out _);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(ForgetEvery, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                try
                {
                    store.Forget();
                }
                catch (SqliteException failure)
                {
                    NotForgotten(logger, failure);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host is stopping.
        }
    }

    private static bool Same(byte[] left, byte[] right) => CryptographicOperations.FixedTimeEquals(left, right);

    [LoggerMessage(4101, LogLevel.Error, "The answer to request {RequestId} could not be kept for a repeat.")]
    private static partial void NotKept(ILogger logger, string requestId, Exception failure);

    [LoggerMessage(4102, LogLevel.Error, "Answers that have outlived their time could not be deleted.")]
    private static partial void NotForgotten(ILogger logger, Exception failure);
}
