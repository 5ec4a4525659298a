using System.CommandLine;
using FederatedDpLlm.Models;

namespace FederatedDpLlm.Cli.Commands.ModelFormats;

/// <summary><c>fedllm model inspect</c>: what a model file holds.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var files = new ModelFiles();
        var command = new Command("inspect", "What a model file holds; nothing is computed.") { files.Model, files.Tokenizer, files.Json };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () => Show(ModelConversion.Inspect(parsed.GetRequiredValue(files.Model), parsed.GetValue(files.Tokenizer)), parsed.GetValue(files.Json)),
            cancellationToken));
        return command;
    }

    private static void Show(ModelSummary model, bool json)
    {
        var shape = model.Configuration;
        if (json)
        {
            JsonLine.Write(new
            {
                model.Format,
                model.Name,
                shape.ModelType,
                shape.Parameters,
                shape.Layers,
                shape.Width,
                shape.FeedForwardWidth,
                shape.Heads,
                shape.KeyValueHeads,
                shape.HeadSize,
                shape.Vocabulary,
                shape.Context,
                shape.TiedHead,
                tensors = model.Tensors.ToDictionary(pair => pair.Key.ToString(), pair => pair.Value),
                tokenizer = model.Tokenizer?.GetType().Name,
                beginToken = model.Tokenizer?.BeginToken,
                endTokens = model.Tokenizer?.EndTokens,
            });
            return;
        }

        Console.Out.WriteLine($"{model.Name}: {model.Format}, {shape.ModelType}, {shape.Parameters:N0} parameters");
        Console.Out.WriteLine($"layers {shape.Layers}, width {shape.Width}, feed-forward {shape.FeedForwardWidth}, heads {shape.Heads} over {shape.KeyValueHeads} of {shape.HeadSize}");
        Console.Out.WriteLine($"vocabulary {shape.Vocabulary:N0}, context {shape.Context:N0}, head {(shape.TiedHead ? "tied" : "untied")}");
        Console.Out.WriteLine($"tensors: {string.Join(", ", model.Tensors.OrderBy(pair => pair.Key).Select(pair => $"{pair.Value} {pair.Key}"))}");
        Console.Out.WriteLine($"tokenizer: {(model.Tokenizer is { } tokenizer ? $"{tokenizer.GetType().Name}, {tokenizer.Vocabulary:N0} tokens" : "in a file of its own (--tokenizer FILE)")}");
    }
}
