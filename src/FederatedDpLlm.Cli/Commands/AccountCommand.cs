using System.CommandLine;
using System.Text.Json;
using FederatedDpLlm.Cli.Commands.Accounts;
using FederatedDpLlm.Privacy.Evaluation;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm account epsilon | noise | plan | compare | evaluate</c>: what a plan costs and what a promise needs, for a privacy officer.</summary>
internal static class AccountCommand
{
    public static Command Create() => new("account", "Privacy arithmetic: what a plan costs, which noise a promise needs, how the accountants compare.")
    {
        EpsilonCommand.Create(),
        NoiseCommand.Create(),
        PlanCommand.Create(),
        CompareCommand.Create(),
        Evaluate(),
    };

    private static Command Evaluate()
    {
        var file = new Argument<FileInfo>("queries") { Description = "JSON: [{\"name\", \"mechanism\", \"parameters\", \"quantity\"}, ...]" };
        var json = JsonLine.Option();
        var command = new Command("evaluate", "Answers a file of queries in the vocabulary of published test vectors; exit code 2 where one has no answer.") { file, json };
        command.SetAction(parsed => Evaluate(parsed.GetRequiredValue(file)));
        return command;
    }

    private static int Evaluate(FileInfo file)
    {
        try
        {
            using var queries = JsonDocument.Parse(File.ReadAllText(file.FullName));
            var list = queries.RootElement is { ValueKind: JsonValueKind.Object } wrapped && wrapped.TryGetProperty("vectors", out var vectors) ? vectors : queries.RootElement;
            var answers = list.EnumerateArray().Select(Answer).ToList();
            JsonLine.Write(answers.Select(answer => answer.Shown));
            return answers.Exists(answer => answer.Failed) ? ExitCode.Misuse : ExitCode.Good;
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            throw new FormatException($"{file.Name}: {unreadable.Message}", unreadable);
        }
    }

    private static (object Shown, bool Failed) Answer(JsonElement query)
    {
        var name = Text(query, "name");
        try
        {
            var parameters = query.ValueKind == JsonValueKind.Object && query.TryGetProperty("parameters", out var given) ? given : default;
            var (values, isList) = QueryEvaluator.Evaluate(Text(query, "mechanism") ?? "", parameters, Text(query, "quantity") ?? "");
            return (isList ? new { name, value = values } : new { name, value = values[0] }, false);
        }
        catch (QueryException refused)
        {
            return (new { name, error = refused.Message }, true);
        }
    }

    private static string? Text(JsonElement query, string property) =>
        query.ValueKind == JsonValueKind.Object && query.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
