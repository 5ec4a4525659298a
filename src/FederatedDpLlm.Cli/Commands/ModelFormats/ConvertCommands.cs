using System.CommandLine;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Cli.Commands.ModelFormats;

/// <summary><c>fedllm model import | export | quantize</c>: a model from one format to another.</summary>
internal static class ConvertCommands
{
    public static Command Import() => Create(
        "import", "Takes a model in: writes it as a folder of config.json, tokenizer.json and model.safetensors.", "The folder to write.",
        ModelFiles.Type("f32", "f32", "f16", "bf16"), ModelConversion.ToSafetensors);

    public static Command Export() => Create(
        "export", "Gives a model out: writes it as one GGUF file, for llama.cpp, Ollama and others.", "The GGUF file to write.",
        ModelFiles.Type("f32", "f32", "f16", "bf16", "q8_0", "q4_0"), ModelConversion.ToGguf);

    public static Command Quantize() => Create(
        "quantize", "Writes a model with smaller weights as one GGUF file.", "The GGUF file to write.", ModelFiles.Type("q8_0", "q8_0", "q4_0"), ModelConversion.ToGguf);

    private static Command Create(
        string name, string description, string target, Option<string> type,
        Action<string, string?, string, ElementType, IProgress<(int, int)>?, CancellationToken> convert)
    {
        var files = new ModelFiles();
        var to = new Option<string>("--to") { Description = target, Required = true };
        var command = new Command(name, description) { files.Model, files.Tokenizer, to, type, files.Json };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                var (path, element) = (parsed.GetRequiredValue(to), parsed.GetRequiredValue(type));
                convert(
                    parsed.GetRequiredValue(files.Model), parsed.GetValue(files.Tokenizer), path, ModelFiles.ElementType(element), ModelFiles.Progress($"model {name}"), cancellationToken);
                Show(path, element, parsed.GetValue(files.Json));
            },
            cancellationToken));
        return command;
    }

    /// <summary>What was written.</summary>
    public static void Show(string path, string type, bool json)
    {
        var bytes = Directory.Exists(path) ? Directory.EnumerateFiles(path).Sum(file => new FileInfo(file).Length) : new FileInfo(path).Length;
        if (json)
        {
            JsonLine.Write(new { path, type, bytes });
        }
        else
        {
            Console.Out.WriteLine($"{path}: {bytes:N0} bytes, {type}");
        }
    }
}
