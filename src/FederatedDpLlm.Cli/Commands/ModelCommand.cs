using System.CommandLine;
using FederatedDpLlm.Cli.Commands.ModelFormats;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Training.Corpus;
using FederatedDpLlm.Models.Training.Corpus.Coding;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm model</c>; of it <c>eval</c>: how well a model codes cases and reads its context, measured on notes that no training saw.</summary>
internal static class ModelCommand
{
    private const int DefaultQuestions = 500;
    private const int MostQuestions = 100_000;

    public static Command Create() => new("model", "Models: what they can do, and from one format to another.")
    {
        Evaluate(), InspectCommand.Create(), ConvertCommands.Import(), ConvertCommands.Export(), ConvertCommands.Quantize(), AdapterCommand.Create(),
    };

    private static Command Evaluate()
    {
        var bundled = new Option<bool>("--bundled") { Description = "The model that the product ships." };
        var model = new Option<string?>("--model") { Description = "A model's folder." };
        var questions = new Option<int>("--questions") { Description = "Questions of each kind.", DefaultValueFactory = _ => DefaultQuestions };
        var json = JsonLine.Option();
        var command = new Command("eval", "Held-out synthetic notes: the code of a case among 160, and four-way choices about notes in the context.") { bundled, model, questions, json };
        questions.Require(value => value is >= 1 and <= MostQuestions, $"--questions is 1 to {MostQuestions}.");
        command.Require(
            result => result.GetValue(bundled) != result.GetValue(model) is not null, "Name a model's folder with --model DIR, or take the bundled one with --bundled.");
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () => Run(parsed.GetValue(model), parsed.GetValue(questions), parsed.GetValue(json), cancellationToken), cancellationToken));
        return command;
    }

    private static int Run(string? folder, int questions, bool json, CancellationToken cancellationToken)
    {
        var model = LanguageModel.Load(folder ?? BundledModel.Folder);
        Console.Error.WriteLine($"{questions} cases to code ...");
        var coding = CodingEvaluation.Measure(model, questions, cancellationToken);
        Console.Error.WriteLine($"{2 * questions} questions to read from notes ...");
        var one = ReadingEvaluation.Accuracy(model, questions, 1, cancellationToken);
        var three = ReadingEvaluation.Accuracy(model, questions, 3, cancellationToken);
        Show(model, coding, (one, three), questions, json);
        return ExitCode.Good;
    }

    private static void Show(LanguageModel model, (double Accuracy, double BayesOptimal) coding, (double One, double Three) reading, int questions, bool json)
    {
        var codes = CodingWorld.Instance.Conditions.Count;
        if (json)
        {
            JsonLine.Write(new
            {
                accuracy = coding.Accuracy,
                bayesOptimal = coding.BayesOptimal,
                questions,
                codes,
                parameters = model.Configuration.Parameters,

                // Every answer stands in its note, so the best possible reader is always right.
                reading = new { accuracy = reading.One, accuracyAmongThree = reading.Three, bayesOptimal = 1.0, chance = 0.25 },
                seed = ReadingEvaluation.HeldOutSeed,
            });
            return;
        }

        Console.Out.WriteLine($"the code of a case:            {coding.Accuracy:P1} of {questions} notes, {codes} codes (the best possible answers: {coding.BayesOptimal:P1})");
        Console.Out.WriteLine($"one note in the context:       {reading.One:P1} of {questions} four-way choices (chance 25 %)");
        Console.Out.WriteLine($"the right note among three:    {reading.Three:P1} of {questions} four-way choices (chance 25 %)");
    }
}
