using System.Text.Json;
using FederatedDpLlm.Models.Serving.Constraints.Json;

namespace FederatedDpLlm.Inference;

/// <summary>What a question may ask for, mechanism by mechanism. Decided from the question alone.</summary>
internal static class QuestionRules
{
    public const int MaxMessages = 256;
    private const int MaxCharacters = 1 << 20;
    private const int MinChoices = 2;
    private const int MaxChoices = 64;
    private const int MaxChoiceCharacters = 256;
    private const int MaxTokens = 4096;
    private const int MaxAnswers = 16;
    private const int MaxStops = 4;
    private const int MaxStopCharacters = 128;
    private const int MaxBiases = 300;
    private const int MaxSchemaCharacters = 1 << 16;
    private const double MaxTemperature = 2;
    private const double MinTemperature = 1.0 / 1024;
    private const double MaxEpsilon = 100;
    private const double MaxDelta = 1e-3;

    /// <summary>The first rule that the question breaks; null where it breaks none.</summary>
    public static PlanRefusal? Fault(Question question) =>
        FaultOfMessages(question) ?? FaultOfChoices(question) ?? FaultOfSampling(question) ?? FaultOfSteering(question) ?? FaultOfForm(question) ?? FaultOfPrivacy(question);

    private static PlanRefusal? FaultOfMessages(Question question)
    {
        var messages = question.Messages;
        if (messages.Count is 0 or > MaxMessages || messages[^1].Role != "user")
        {
            return new("messages", $"Give 1 to {MaxMessages} messages, the last one by the user.");
        }

        if (messages.Any(message => message.Role is not ("system" or "user" or "assistant")))
        {
            return new("messages", "A message's role is system, user or assistant.");
        }

        return messages.Sum(message => (long)message.Content.Length) is 0 or > MaxCharacters ? new("messages", $"The messages hold 1 to {MaxCharacters} characters together.") : null;
    }

    private static PlanRefusal? FaultOfChoices(Question question)
    {
        const string parameter = "privacy.choices";
        var choices = question.Choices;
        if (question.Mechanism != AnswerMechanism.Choice)
        {
            return choices.Count == 0 ? null : new(parameter, "Options are given, but the mechanism is not 'choice'.");
        }

        if (choices.Count is < MinChoices or > MaxChoices)
        {
            return new(parameter, $"A choice needs {MinChoices} to {MaxChoices} options.");
        }

        if (choices.Any(choice => string.IsNullOrWhiteSpace(choice) || choice.Length > MaxChoiceCharacters))
        {
            return new(parameter, $"An option has 1 to {MaxChoiceCharacters} characters.");
        }

        return choices.Select(choice => choice.Trim()).Distinct(StringComparer.Ordinal).Count() < choices.Count ? new(parameter, "The options differ from one another.") : null;
    }

    private static PlanRefusal? FaultOfSampling(Question question)
    {
        var isPrivate = question.Mechanism != AnswerMechanism.Public;
        return question switch
        {
            { Answers: < 1 or > MaxAnswers } => new("n", $"1 to {MaxAnswers} answers."),
            { MaxTokens: < 1 or > MaxTokens } => new("max_tokens", $"An answer has 1 to {MaxTokens} tokens."),
            { Temperature: not (>= 0 and <= MaxTemperature) } => new("temperature", $"The temperature lies between 0 and {MaxTemperature}."),
            { Temperature: < MinTemperature } when isPrivate => new("temperature", "A temperature of 0 asks for an answer without noise: in private modes it is above 0 (at least 1/1024)."),
            { TopP: not (> 0 and <= 1) } => new("top_p", "top_p is above 0 and at most 1."),
            { TopK: < 0 } => new("top_k", "top_k is at least 0 (0 keeps all)."),
            { MinP: not (>= 0 and < 1) } => new("min_p", "min_p is at least 0 and below 1."),
            { Seed: not null } when isPrivate => new("seed", "A seed would make the noise known, and known noise protects nobody: leave it out in private modes."),
            { LogProbabilities: true } => new("logprobs", "Log-probabilities are not released: they would be a second look at the same data."),
            _ => null,
        };
    }

    private static PlanRefusal? FaultOfSteering(Question question) => question switch
    {
        _ when question.Stop.Count > MaxStops || question.Stop.Any(stop => stop.Length is 0 or > MaxStopCharacters) => new("stop", $"At most {MaxStops} stop texts of 1 to {MaxStopCharacters} characters."),
        _ when question.LogitBias.Count > MaxBiases || question.LogitBias.Values.Any(bias => bias is not (>= -100 and <= 100)) => new("logit_bias", $"At most {MaxBiases} biases between -100 and 100."),
        { FrequencyPenalty: not (>= -2 and <= 2) } => new("frequency_penalty", "A penalty lies between -2 and 2."),
        { PresencePenalty: not (>= -2 and <= 2) } => new("presence_penalty", "A penalty lies between -2 and 2."),
        _ => null,
    };

    private static PlanRefusal? FaultOfForm(Question question)
    {
        const string parameter = "response_format";
        if (question.AnswerSchema is not { } schema)
        {
            return null;
        }

        if (question.Mechanism != AnswerMechanism.Public)
        {
            return new(parameter, "A form is kept to in public answers only: of an answer with noise ask for a choice.");
        }

        if (schema.Length > MaxSchemaCharacters)
        {
            return new(parameter, $"A schema has at most {MaxSchemaCharacters} characters.");
        }

        try
        {
            using var parsed = JsonDocument.Parse(schema);
            var shortest = JsonShape.Parse(parsed.RootElement).Shortest;
            return shortest <= question.MaxTokens ? null : new("max_tokens", $"The shortest answer of this form may take {shortest} tokens.");
        }
        catch (InvalidOperationException)
        {
            return new(parameter, "A text of the schema is half a character.");
        }
        catch (Exception unread) when (unread is JsonException or NotSupportedException)
        {
            return new(parameter, unread is JsonException ? "The schema is no JSON." : unread.Message);
        }
    }

    private static PlanRefusal? FaultOfPrivacy(Question question) => question.Mechanism switch
    {
        AnswerMechanism.Public => null,
        _ when question.Epsilon.Value is not (> 0 and <= MaxEpsilon) => new("privacy.epsilon", $"Epsilon is above 0 and at most {MaxEpsilon}: more would protect nobody."),
        AnswerMechanism.PrivateDecoding when question.Delta.Value is not (> 0 and <= MaxDelta) => new("privacy.delta", $"Private decoding needs a policy delta above 0 and at most {MaxDelta}."),
        _ => null,
    };
}
