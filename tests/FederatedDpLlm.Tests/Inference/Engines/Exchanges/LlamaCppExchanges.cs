using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace FederatedDpLlm.Tests.Inference.Engines.Exchanges;

/// <summary>
/// Written after the README of llama.cpp 0.5.0's server (tools/server/README.md), not recorded: health, props, slots, models with n_vocab, tokenize, completion with
/// n_probs and a prompt of text and token numbers, lora-adapters. Completions with echo are refused.
/// </summary>
internal sealed class LlamaCppExchanges : OpenAiExchanges
{
    private const int MostCandidates = 1024;
    private int _scaled = -1;

    /// <summary>Whether the model is still being loaded.</summary>
    public bool Loading { get; set; }

    /// <summary>The id of the adapter that is on; -1 for none.</summary>
    public int Adapter => _scaled;

    protected override bool Echoes => false;

    protected override Task AnswerAsync(HttpContext context, string path, JsonNode? body) => path switch
    {
        "/health" when Loading => RefuseAsync(context, 503, "Loading model"),
        "/health" => JsonAsync(context, new JsonObject { ["status"] = "ok" }),
        "/props" => JsonAsync(context, new JsonObject
        {
            ["default_generation_settings"] = new JsonObject { ["id"] = 0, ["n_ctx"] = PretendModel.ContextTokens, ["is_processing"] = false },
            ["total_slots"] = 2,
            ["model_path"] = "../models/m.gguf",
            ["build_info"] = "b8681",
        }),
        "/slots" => JsonAsync(context, new JsonArray(new JsonObject { ["id"] = 0, ["is_processing"] = true }, new JsonObject { ["id"] = 1, ["is_processing"] = false })),
        "/tokenize" => JsonAsync(context, new JsonObject { ["tokens"] = new JsonArray([.. ((string)body!["content"]!).Select(character => (JsonNode)PretendModel.NumberOf(character.ToString()))]) }),
        "/completion" => CompleteAsync(context, body!),
        "/lora-adapters" => AdaptersAsync(context, body),
        _ => base.AnswerAsync(context, path, body),
    };

    protected override JsonObject Model(string name)
    {
        var model = base.Model("../models/m.gguf");
        (model["owned_by"], model["meta"]) = ("llamacpp", new JsonObject { ["vocab_type"] = 2, ["n_vocab"] = PretendModel.Vocabulary, ["n_ctx_train"] = PretendModel.ContextTokens });
        return model;
    }

    private static Task CompleteAsync(HttpContext context, JsonNode body)
    {
        // Part of a character cannot stand in a text: here it only shows that its number came back.
        var parts = body["prompt"]!.AsArray().Select(part => part!.GetValueKind() == System.Text.Json.JsonValueKind.String ? (string)part! : ((char)(int)part!).ToString());
        var (prompt, wanted) = (string.Concat(parts), (int)body["n_probs"]!);
        var likely = wanted < MostCandidates
            ? PretendModel.Next(prompt)
            : [.. Enumerable.Range(' ', 96).Select(character => (((char)character).ToString(), PretendModel.LogProbabilityOf(prompt, (char)character)))];
        return JsonAsync(context, new JsonObject
        {
            ["content"] = "x",
            ["stop"] = true,
            ["completion_probabilities"] = new JsonArray(new JsonObject { ["id"] = 1, ["logprob"] = -0.1, ["token"] = "x", ["top_logprobs"] = new JsonArray([.. likely.Take(wanted).Select(Entry)]) }),
        });
    }

    private static JsonNode Entry((string Text, double LogProbability) token) => new JsonObject
    {
        ["id"] = PretendModel.NumberOf(token.Text),
        ["token"] = token.Text == "\uFFFD" ? "" : token.Text,
        ["bytes"] = token.Text == "\uFFFD" ? new JsonArray(0xC3) : new JsonArray([.. System.Text.Encoding.UTF8.GetBytes(token.Text).Select(value => (JsonNode)(int)value)]),
        ["logprob"] = token.LogProbability,
    };

    private Task AdaptersAsync(HttpContext context, JsonNode? scales)
    {
        if (scales is not null)
        {
            _scaled = scales.AsArray().Where(scale => (double)scale!["scale"]! > 0).Select(scale => (int)scale!["id"]!).Single();
            return JsonAsync(context, new JsonObject { ["success"] = true });
        }

        return JsonAsync(context, new JsonArray(
            new JsonObject { ["id"] = 0, ["path"] = "lora/other.gguf", ["scale"] = 0.0 }, new JsonObject { ["id"] = 1, ["path"] = "lora/ward-notes.gguf", ["scale"] = 0.0 }));
    }
}
