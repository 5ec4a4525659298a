using System.CommandLine;
using FederatedDpLlm.Cli.Commands.ModelFormats;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Training.Corpus;
using FederatedDpLlm.Models.Training.Corpus.Coding;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm model</c>; of it <c>eval</c>: how well models code cases and read their context, measured on notes that no training saw.</summary>
internal static class ModelCommand
{
    private const int DefaultQuestions = 500;

    public static Command Create() => new("model", "Models: what they can do, and from one format to another.")
    {
        Evaluate(), InspectCommand.Create(), ConvertCommands.Import(), ConvertCommands.Export(), ConvertCommands.Quantize(), AdapterCommand.Create(),
    };

    private static Command Evaluate()
    {
        var bundled = new Option<bool>("--bundled") { Description = "The models that the product ships: ward-2m codes, ward reads." };
        var model = new Option<string?>("--model") { Description = "A model's folder." };
        var questions = new Option<int>("--questions") { Description = "Questions of each kind.", DefaultValueFactory = _ => DefaultQuestions };
        var json = JsonLine.Option();
        var command = new Command("eval", "Held-out synthetic notes: the code of a case among 160, and four-way choices about notes in the context.") { bundled, model, questions, json };
        command.Require(
            result => result.GetValue(bundled) != result.GetValue(model) is not null, "Name a model's folder with --model DIR, or take the bundled one with --bundled.");
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () => Run(parsed.GetValue(model), parsed.GetValue(questions), parsed.GetValue(json), cancellationToken), cancellationToken));
        return command;
    }

    private static int Run(string? folder, int questions, bool json, CancellationToken cancellationToken)
    {
        var coder = LanguageModel.Load(folder ?? BundledModel.CodingFolder);
        var reader = folder is null ? LanguageModel.Load(BundledModel.Folder) : coder;
        Console.Error.WriteLine($"{questions} cases to code ...");
        var coding = CodingEvaluation.Measure(coder, questions, cancellationToken);
        Console.Error.WriteLine($"{2 * questions} questions to read from notes ...");
        var one = ReadingEvaluation.Accuracy(reader, questions, 1, cancellationToken);
        var three = ReadingEvaluation.Accuracy(reader, questions, 3, cancellationToken);
        Show((coder, coding), (reader, one, three), questions, json);
        return ExitCode.Good;
    }

    private static void Show(
        (LanguageModel Model, (double Accuracy, double BayesOptimal) Share) coding, (LanguageModel Model, double One, double Three) reading, int questions, bool json)
    {
        var codes = CodingWorld.Instance.Conditions.Count;
        if (json)
        {
            JsonLine.Write(new
            {
                accuracy = coding.Share.Accuracy,
                bayesOptimal = coding.Share.BayesOptimal,
                questions,
                codes,
                parameters = coding.Model.Configuration.Parameters,

                // Every answer stands in its note, so the best possible reader is always right.
                reading = new { accuracy = reading.One, accuracyAmongThree = reading.Three, bayesOptimal = 1.0, chance = 0.25, parameters = reading.Model.Configuration.Parameters },
                seed = ReadingEvaluation.HeldOutSeed,
            });
            return;
        }

        Console.Out.WriteLine($"the code of a case:            {coding.Share.Accuracy:P1} of {questions} notes, {codes} codes (the best possible answers: {coding.Share.BayesOptimal:P1})");
        Console.Out.WriteLine($"one note in the context:       {reading.One:P1} of {questions} four-way choices (chance 25 %)");
        Console.Out.WriteLine($"the right note among three:    {reading.Three:P1} of {questions} four-way choices (chance 25 %)");
    }
}
