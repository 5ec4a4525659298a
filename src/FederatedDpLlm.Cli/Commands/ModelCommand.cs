using System.CommandLine;
using FederatedDpLlm.Cli.Commands.ModelFormats;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Training.Corpus;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm model</c>; of it <c>eval</c>: how well a model reads its context, measured on questions that no training saw.</summary>
internal static class ModelCommand
{
    private const int DefaultQuestions = 500;

    public static Command Create() => new("model", "Models: what they can do, and from one format to another.")
    {
        Evaluate(), InspectCommand.Create(), ConvertCommands.Import(), ConvertCommands.Export(), ConvertCommands.Quantize(),
    };

    private static Command Evaluate()
    {
        var bundled = new Option<bool>("--bundled") { Description = "The model that the product ships." };
        var model = new Option<string?>("--model") { Description = "A model's folder." };
        var questions = new Option<int>("--questions") { Description = "Questions of each kind.", DefaultValueFactory = _ => DefaultQuestions };
        var json = new Option<bool>("--json") { Description = "Exactly one line of JSON on standard output." };
        var command = new Command("eval", "Four-way choices about synthetic notes, with one note in the context and with the right one among three.") { bundled, model, questions, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(bundled) == result.GetValue(model) is not null)
            {
                result.AddError("Name a model's folder with --model DIR, or take the bundled one with --bundled.");
            }
        });
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () => Run(parsed.GetValue(model), parsed.GetValue(questions), parsed.GetValue(json), cancellationToken), cancellationToken));
        return command;
    }

    private static int Run(string? folder, int questions, bool json, CancellationToken cancellationToken)
    {
        try
        {
            var model = LanguageModel.Load(folder ?? BundledModel.Folder);
            var one = ReadingEvaluation.Accuracy(model, questions, 1, cancellationToken);
            var three = ReadingEvaluation.Accuracy(model, questions, 3, cancellationToken);
            Show(model, one, three, questions, json);
            return LedgerOptions.Good;
        }
        catch (Exception failure) when (failure is IOException or ModelFormatException or ConfigurationException)
        {
            Console.Error.WriteLine($"model eval: {failure.Message}");
            return LedgerOptions.Misuse;
        }
    }

    private static void Show(LanguageModel model, double one, double three, int questions, bool json)
    {
        if (json)
        {
            // Every answer stands in its note, so the best possible reader is always right.
            JsonLine.Write(new
            {
                accuracy = one, accuracyAmongThree = three, bayesOptimal = 1.0, chance = 0.25, questions, parameters = model.Configuration.Parameters, seed = ReadingEvaluation.HeldOutSeed,
            });
        }
        else
        {
            Console.Out.WriteLine($"one note in the context:       {one:P1} of {questions} four-way choices (chance 25 %)");
            Console.Out.WriteLine($"the right note among three:    {three:P1} of {questions} four-way choices (chance 25 %)");
        }
    }
}
