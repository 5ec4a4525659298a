using System.CommandLine;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm generate</c>: text from any model that the engine reads, without records, without privacy.</summary>
internal static class GenerateCommand
{
    public static Command Create()
    {
        var model = new Option<string>("--model") { Description = "A folder with model.safetensors, a GGUF file, or a llama2.c checkpoint (.bin).", Required = true };
        var tokenizer = new Option<string?>("--tokenizer") { Description = "The tokenizer of a llama2.c checkpoint." };
        var prompt = new Option<string>("--prompt") { Description = "Plain text to go on from; may be empty.", DefaultValueFactory = _ => string.Empty };
        var tokens = new Option<int>("--tokens") { Description = "Most new tokens.", DefaultValueFactory = _ => 64 };
        var greedy = new Option<bool>("--greedy") { Description = "Always the most likely token." };
        var temperature = new Option<double>("--temperature") { DefaultValueFactory = _ => 1.0, Description = "Of sampling." };
        var topP = new Option<double>("--top-p") { DefaultValueFactory = _ => 1.0, Description = "Of nucleus sampling." };
        var topK = new Option<int>("--top-k") { Description = "Only this many of the most likely tokens; 0 for all.", DefaultValueFactory = _ => 0 };
        var minP = new Option<double>("--min-p") { Description = "Only tokens at least this share as likely as the most likely one.", DefaultValueFactory = _ => 0 };
        var penalty = new Option<double>("--repetition-penalty") { Description = "Divides the logits of tokens that came before; 1 changes nothing.", DefaultValueFactory = _ => 1.0 };
        var json = JsonLine.Option();
        tokens.Require(value => value >= 0, "--tokens is 0 or more.");
        var command = new Command("generate", "Goes on from a text with any model that the engine reads.") 
        {
            model, tokenizer, prompt, tokens, greedy, temperature, topP, topK, minP, penalty, json,
        };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () =>
            {
                var sampling = new SamplingParameters
                {
                    Temperature = parsed.GetValue(greedy) ? 0 : parsed.GetValue(temperature), TopP = parsed.GetValue(topP), TopK = parsed.GetValue(topK), MinP = parsed.GetValue(minP),
                    RepetitionPenalty = parsed.GetValue(penalty),
                };
                return Run(
                    LanguageModel.Load(parsed.GetRequiredValue(model), tokenizer: parsed.GetValue(tokenizer)), parsed.GetValue(prompt)!, parsed.GetValue(tokens), sampling.Checked(), parsed.GetValue(json), cancellationToken);
            },
            cancellationToken));
        return command;
    }

    private static int Run(LanguageModel model, string prompt, int count, SamplingParameters sampling, bool json, CancellationToken cancellationToken)
    {
        List<int> promptIds = [.. model.Tokenizer.BeginToken is { } begin ? [begin] : Array.Empty<int>(), .. model.Tokenizer.Encode(prompt)];
        if (promptIds.Count == 0)
        {
            throw new ModelFormatException("this model has no token that begins a text: give a prompt");
        }

        using var random = new SecureRandom();
        var (shaping, sampler) = (new TokenShaping(sampling), new TokenSampler(random));
        int[] vocabulary = [.. Enumerable.Range(0, model.Configuration.Vocabulary)];
        var decoder = new Models.Tokenization.StreamingTextDecoder(model.Tokenizer, trimLeadingSpace: prompt.Length == 0);
        var text = new System.Text.StringBuilder();
        var ids = new List<int>(promptIds);
        using var batch = model.OpenBatch([promptIds], cancellationToken);
        while (ids.Count - promptIds.Count < count)
        {
            var token = sampler.Sample(shaping.Shape(vocabulary, batch.Logits(0)), sampling.Temperature);
            shaping.Release(token);
            if (model.Tokenizer.EndTokens.Contains(token))
            {
                break;
            }

            ids.Add(token);
            Tell(decoder.Append(token), text, json);
            if (ids.Count - promptIds.Count == count || ids.Count == model.Configuration.Context)
            {
                break;
            }

            batch.Append(token, cancellationToken);
        }

        Tell(decoder.Flush(), text, json);
        Finish(promptIds, ids, text.ToString(), json);
        return ExitCode.Good;
    }

    private static void Tell(string piece, System.Text.StringBuilder text, bool json)
    {
        text.Append(piece);
        if (!json)
        {
            Console.Out.Write(piece);
        }
    }

    private static void Finish(List<int> promptIds, List<int> ids, string text, bool json)
    {
        if (json)
        {
            JsonLine.Write(new { promptIds, ids, text });
        }
        else
        {
            Console.Out.WriteLine();
        }
    }
}
