using System.CommandLine;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Cli.Commands.ModelFormats;

/// <summary>The options that the commands about model files share.</summary>
internal sealed class ModelFiles
{
    public Option<string> Model { get; } = new("--model") { Description = "A folder with model.safetensors, a GGUF file, or a llama2.c checkpoint (.bin).", Required = true };

    public Option<string?> Tokenizer { get; } = new("--tokenizer") { Description = "The tokenizer of a llama2.c checkpoint." };

    public Option<bool> Json { get; } = JsonLine.Option();

    public static Option<string> Type(string standard, params string[] allowed)
    {
        var type = new Option<string>("--type") { Description = "The type of the matrices.", DefaultValueFactory = _ => standard };
        type.AcceptOnlyFromAmong(allowed);
        return type;
    }

    public static ElementType ElementType(string name) => name switch
    {
        "f16" => FederatedDpLlm.Models.Weights.ElementType.Float16,
        "bf16" => FederatedDpLlm.Models.Weights.ElementType.BFloat16,
        "q8_0" => FederatedDpLlm.Models.Weights.ElementType.Q8_0,
        "q4_0" => FederatedDpLlm.Models.Weights.ElementType.Q4_0,
        _ => FederatedDpLlm.Models.Weights.ElementType.Float32,
    };

    /// <summary>Tells of every tenth of the work on standard error.</summary>
    public static IProgress<(int Done, int All)> Progress(string command) => new Tenths(command);

    private sealed class Tenths(string command) : IProgress<(int Done, int All)>
    {
        private int _told;

        public void Report((int Done, int All) value)
        {
            var tenth = 10 * value.Done / value.All;
            if (tenth > _told)
            {
                _told = tenth;
                Console.Error.WriteLine($"{command}: {value.Done} of {value.All} tensors written");
            }
        }
    }
}
