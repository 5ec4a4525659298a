using System.CommandLine;
using FederatedDpLlm.Models;

namespace FederatedDpLlm.Cli.Commands.ModelFormats;

/// <summary><c>fedllm model adapter</c>: a LoRA adapter from PEFT's folder to a GGUF file, or back.</summary>
internal static class AdapterCommand
{
    public static Command Create()
    {
        var files = new ModelFiles();
        var adapter = new Option<string>("--adapter") { Description = "The adapter: PEFT's folder (as 'fedllm train' and vLLM have it) or a GGUF file (llama.cpp).", Required = true };
        var to = new Option<string>("--to") { Description = "What to write in the other format: a GGUF file, or a folder.", Required = true };
        var command = new Command("adapter", "Writes a LoRA adapter in the other format. What was promised to patients (adapter_privacy.json) holds for both; the file stays where it is.")
        {
            files.Model, adapter, to, files.Json,
        };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                var target = parsed.GetRequiredValue(to);
                ModelConversion.ConvertAdapter(parsed.GetRequiredValue(files.Model), parsed.GetRequiredValue(adapter), target, cancellationToken);
                ConvertCommands.Show(target, "f32", parsed.GetValue(files.Json));
            },
            cancellationToken));
        return command;
    }
}
