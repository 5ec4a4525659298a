using System.CommandLine;
using System.Globalization;
using FederatedDpLlm.Cli.Evaluation;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Models;
using FederatedDpLlm.Privacy.Sampling;
using Spectre.Console;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm eval sections</c>: how good private answers are on real records with known answers.</summary>
internal static class EvalCommand
{
    private const string WithoutModel = "none";

    public static Command Create() => new("eval", "How good private answers are.") { Sections() };

    private static Command Sections()
    {
        var records = new Option<string>("--records") { Required = true, Description = "The hospitals' records: a CSV file." };
        var questions = new Option<string>("--questions") { Required = true, Description = "CSV files of the same columns, joined by commas: their last text column is the right answer." };
        var map = new Option<string>("--map") { DefaultValueFactory = _ => "patientId=ID,text=dialogue+section_header", Description = "The columns." };
        var choices = new Option<string>("--choices") { DefaultValueFactory = _ => "FAM/SOCHX,GENHX,PASTMEDICALHX,CC,PASTSURGICAL,ROS", Description = "The options; questions with other answers are left out." };
        var epsilon = new Option<string>("--epsilon") { DefaultValueFactory = _ => "1,4,10", Description = "Per answer." };
        var model = new Option<string?>("--model") { Description = "A model's folder; 'none' for what voters make of their records alone. Default: the bundled model." };
        var hospitals = new Option<int>("--hospitals") { DefaultValueFactory = _ => 4 };
        var shards = new Option<int>("--shards") { DefaultValueFactory = _ => 25, Description = "Voters of each hospital." };
        var limit = new Option<int>("--limit") { DefaultValueFactory = _ => int.MaxValue, Description = "At most so many questions, evenly over the files." };
        var json = JsonLine.Option();
        var command = new Command("sections", "Accuracy of 'which note section is this dialogue about', beside the majority class.") { records, questions, map, choices, epsilon, model, hospitals, shards, limit, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var columns = ColumnMapping.Parse(parsed.GetValue(map)!);
            var options = parsed.GetValue(choices)!.Split(',', StringSplitOptions.TrimEntries);
            var asked = Every(parsed.GetValue(limit), [.. parsed.GetValue(questions)!.Split(',').SelectMany(path => SectionQuestion.Load(path, columns, options))]);
            var known = HospitalRecords.Load(parsed.GetValue(records)!, columns).Records;
            var epsilons = parsed.GetValue(epsilon)!.Split(',').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToList();
            var engine = Engine(parsed.GetValue(model));
            var evaluation = new SectionEvaluation(engine, known, parsed.GetValue(hospitals), parsed.GetValue(shards), options);
            var results = await evaluation.RunAsync(asked, epsilons, done => Console.Error.Write($"\r{done} of {asked.Count} questions"), cancellationToken);
            Console.Error.WriteLine();
            var majority = known.Select(record => SectionQuestion.Of(record, columns).Answer).Where(options.Contains).CountBy(answer => answer).MaxBy(count => count.Value).Key;
            Report(parsed.GetValue(json), new
            {
                questions = asked.Count,
                records = known.Count,
                hospitals = parsed.GetValue(hospitals),
                shards = parsed.GetValue(shards),
                model = engine.Capabilities.Model,
                majorityClass = majority,
                majorityAccuracy = asked.Count(question => question.Answer == majority) / (double)asked.Count,
                results,
            }, results);
            return ExitCode.Good;
        });
        return command;
    }

    private static List<SectionQuestion> Every(int limit, List<SectionQuestion> questions) =>
        questions.Count == 0 ? throw new FormatException("No question has one of the options as its answer.")
        : limit >= questions.Count ? questions
        : [.. Enumerable.Range(0, Math.Max(1, limit)).Select(i => questions[(int)((long)i * questions.Count / Math.Max(1, limit))])];

    private static IInferenceEngine Engine(string? model)
    {
        if (model == WithoutModel)
        {
            return new NoModel();
        }

        var folder = model ?? BundledModel.Folder;
        return new EmbeddedEngine(LanguageModel.Load(folder), Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)), new SecureRandom(), TimeProvider.System);
    }

    private static void Report<T>(bool json, T line, IReadOnlyList<SectionAccuracy> results)
    {
        if (json)
        {
            JsonLine.Write(line);
            return;
        }

        var table = new Table().AddColumns("noise drawn by", "epsilon per answer", "accuracy");
        foreach (var result in results)
        {
            table.AddRow(result.Trust, result.Epsilon?.ToString(CultureInfo.InvariantCulture) ?? "without privacy", result.Accuracy.ToString("P1", CultureInfo.InvariantCulture));
        }

        AnsiConsole.Write(table);
        Console.Out.WriteLine(line);
    }
}
