using System.Text;
using FederatedDpLlm.Routing.Retries;
using FederatedDpLlm.Security.Authentication;
using FederatedDpLlm.Security.Encryption;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace FederatedDpLlm.Tests.Routing.Retries;

/// <summary>What is kept of answers, for how long, and what whoever steals the file sees.</summary>
public sealed class AnswerStoreTests : IDisposable
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);
    private static readonly Caller Alice = new("alice", Roles.Clinician, "cardiology");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedllm-answers-");
    private readonly AtRestKey _key = new(Enumerable.Repeat((byte)7, AtRestKey.SizeBytes).ToArray());
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 18, 10, 0, 0, TimeSpan.Zero));
    private AnswerStore _store;

    public AnswerStoreTests() => _store = Open();

    public void Dispose()
    {
        _store.Dispose();
        _key.Dispose();
        _folder.Delete(true);
    }

    [Fact]
    public async Task An_answer_outlives_a_restart_and_nothing_else_opens_it()
    {
        await _store.KeepAsync("alice/1", Answer("cardiology"));
        _store.Dispose();
        _store = Open();
        var found = await _store.FindAsync("alice/1");
        Assert.Equal("cardiology", Encoding.UTF8.GetString(found!.Body));
        Assert.Equal(Answer("cardiology").Request, found.Request);
        Assert.Null(await _store.FindAsync("bob/1"));
        using var other = new AtRestKey(Enumerable.Repeat((byte)8, AtRestKey.SizeBytes).ToArray());
        using var stolen = new AnswerStore(Path.Combine(_folder.FullName, "answers.db"), other, Lifetime, 1000, _clock);
        Assert.Null(await stolen.FindAsync("alice/1"));
    }

    [Fact]
    public async Task The_files_say_neither_who_asked_nor_what_was_answered()
    {
        await _store.KeepAsync("alice/who-asks-this", Answer("purple giraffe"));
        foreach (var file in _folder.GetFiles())
        {
            using var stream = new FileStream(file.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
            var text = Encoding.Latin1.GetString(bytes.ToArray());
            Assert.DoesNotContain("giraffe", text, StringComparison.Ordinal);
            Assert.DoesNotContain("who-asks-this", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task After_its_lifetime_an_answer_is_gone()
    {
        await _store.KeepAsync("alice/1", Answer("a"));
        _clock.Advance(Lifetime - TimeSpan.FromMilliseconds(1));
        Assert.NotNull(await _store.FindAsync("alice/1"));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null(await _store.FindAsync("alice/1"));
        _store.Forget();
        using var file = new SqliteConnection($"Data Source={Path.Combine(_folder.FullName, "answers.db")};Pooling=False");
        file.Open();
        using var count = file.CreateCommand();
        count.CommandText = "SELECT count(*) FROM answers";
        Assert.Equal(0L, count.ExecuteScalar());
    }

    [Fact]
    public async Task A_full_store_lets_the_oldest_answers_go()
    {
        for (var i = 0; i < 20; i++)
        {
            await _store.KeepAsync($"alice/{i}", Answer(new string('a', 200)));
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        // 260 bytes each with fingerprint, nonce and tag: 3 fit into 1,000.
        Assert.Null(await _store.FindAsync("alice/16"));
        Assert.NotNull(await _store.FindAsync("alice/17"));
        Assert.NotNull(await _store.FindAsync("alice/19"));
        await _store.KeepAsync("alice/large", Answer(new string('a', 2000)));
        Assert.Null(await _store.FindAsync("alice/large"));
        Assert.NotNull(await _store.FindAsync("alice/19"));
    }

    [Fact]
    public async Task One_id_is_one_request_of_one_caller_in_one_role()
    {
        using var retries = new AnswerRetries(_store, _key, _clock, NullLogger<AnswerRetries>.Instance);
        var request = retries.FingerprintOf(Alice, "what?"u8);
        Assert.IsType<RetryStart.First>(await retries.BeginAsync("alice/1", request));
        Assert.IsType<RetryStart.UnderWay>(await retries.BeginAsync("alice/1", request));
        Assert.IsType<RetryStart.OtherRequest>(await retries.BeginAsync("alice/1", retries.FingerprintOf(Alice, "why?"u8)));
        await retries.KeepAsync("alice/1", new StoredAnswer(request, "so"u8.ToArray()));
        retries.End("alice/1");
        Assert.Equal("so"u8.ToArray(), Assert.IsType<RetryStart.Stored>(await retries.BeginAsync("alice/1", request)).Body);
        Assert.Equal("so"u8.ToArray(), Assert.IsType<RetryStart.Stored>(await retries.BeginAsync("alice/1", request)).Body);
        Assert.IsType<RetryStart.OtherRequest>(await retries.BeginAsync("alice/1", retries.FingerprintOf(Alice, "why?"u8)));
        Assert.IsType<RetryStart.OtherRequest>(await retries.BeginAsync("alice/1", retries.FingerprintOf(Alice with { Department = "research" }, "what?"u8)));
    }

    [Fact]
    public async Task A_request_that_came_to_no_answer_may_be_asked_again()
    {
        using var retries = new AnswerRetries(_store, _key, _clock, NullLogger<AnswerRetries>.Instance);
        var request = retries.FingerprintOf(Alice, "what?"u8);
        Assert.IsType<RetryStart.First>(await retries.BeginAsync("alice/1", request));
        retries.End("alice/1");
        Assert.IsType<RetryStart.First>(await retries.BeginAsync("alice/1", request));
    }

    private AnswerStore Open() => new(Path.Combine(_folder.FullName, "answers.db"), _key, Lifetime, 1000, _clock);

    private StoredAnswer Answer(string text) => new(_key.Fingerprint("request"u8), Encoding.UTF8.GetBytes(text));
}
