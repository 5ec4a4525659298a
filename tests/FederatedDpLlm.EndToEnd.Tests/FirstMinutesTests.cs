using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>What goes wrong in a new user's first five minutes is a sentence that says what to do, and leaves what there was as it was.</summary>
public sealed class FirstMinutesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedllm-first-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Theory]
    [InlineData(3, "There is no file or folder", "--records", "FOLDER/nowhere.csv")]
    [InlineData(3, "--map', or 'records.map' of a node): patientId=COLUMN,text=COLUMN+COLUMN", "--records", "FOLDER/two.csv")]
    [InlineData(3, "its columns are ID, NOTE", "--records", "FOLDER/two.csv", "--map", "patientId=NR,text=NOTE")]
    [InlineData(3, "too few patients for 20 hospitals", "--records", "FOLDER/two.csv", "--map", "patientId=ID,text=NOTE", "--hospitals", "20")]
    [InlineData(3, "is of no known format: .csv, .jsonl or .ndjson", "--records", "FOLDER/note.txt")]
    [InlineData(2, "name it with --records FILE", "--map", "patientId=ID,text=NOTE")]
    [InlineData(2, "give two different ones", "--metrics-port", "PORT")]
    [InlineData(2, "--data names a folder", "--data", "")]
    [InlineData(3, "Choose another with --data DIR", "--data", "FOLDER/note.txt")]
    public async Task A_start_that_was_asked_wrongly_says_what_to_do(int expected, string said, params string[] arguments)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "two.csv"), "ID,NOTE\n1,chest pain\n2,cough\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "note.txt"), "chest pain", TestContext.Current.CancellationToken);
        await FailsAsync(expected, said, arguments);
    }

    [Theory]
    [InlineData("federation/ca.key", "", "budgets stay")]
    [InlineData("federation/token-signing.key", "garbage", "budgets stay")]
    [InlineData("router/ledger.db", "this is no database, and long enough to be taken for one that is damaged", "Restore the file from its backup")]
    public async Task A_state_that_is_damaged_is_named_and_left_as_it_is(string file, string content, string said)
    {
        var path = Path.Combine(_folder, "state", file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (file.EndsWith("ca.key", StringComparison.Ordinal))
        {
            await File.WriteAllTextAsync(Path.ChangeExtension(path, ".pem"), content, TestContext.Current.CancellationToken);
        }

        await File.WriteAllTextAsync(path, content, TestContext.Current.CancellationToken);
        await FailsAsync(3, said);
        Assert.Equal(content, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_ledger_of_another_version_is_not_touched_and_the_error_says_which_program_it_needs()
    {
        var path = Path.Combine(_folder, "state", "router", "ledger.db");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await SetVersionAsync(path, "PRAGMA user_version = 99");
        await FailsAsync(3, "Start it with the program that wrote it");
        Assert.Equal(99L, await SetVersionAsync(path, "PRAGMA user_version"));
    }

    private static async Task<object?> SetVersionAsync(string path, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={path};Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    private async Task FailsAsync(int expected, string said, params string[] arguments)
    {
        var port = $"{Cli.FreePort()}";
        IReadOnlyList<string> given = [.. arguments.Select(one => one.Replace("FOLDER", _folder, StringComparison.Ordinal).Replace("PORT", port, StringComparison.Ordinal))];
        IReadOnlyList<string> data = given.Contains("--data") ? [] : ["--data", Path.Combine(_folder, "state")];
        IReadOnlyList<string> hospitals = given.Contains("--hospitals") ? [] : ["--hospitals", "1"];
        var (code, output, errors) = await Cli.RunAsync(["demo", "--port", port, .. data, .. hospitals, .. given]);
        Assert.True(code == expected, $"{code}: {output}{errors}");
        Assert.Contains(said, errors, StringComparison.Ordinal);
        Assert.DoesNotMatch(new Regex("^   at ", RegexOptions.Multiline), errors);
    }
}
