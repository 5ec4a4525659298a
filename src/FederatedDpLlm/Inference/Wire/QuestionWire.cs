using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Privacy;

namespace FederatedDpLlm.Inference.Wire;

/// <summary>A question on the wire and back. What comes from a peer is hostile: a field out of range is a <see cref="FormatException"/>.</summary>
public static class QuestionWire
{
    private static readonly (AnswerMechanism Mechanism, string Name)[] Mechanisms =
        [(AnswerMechanism.Choice, "choice"), (AnswerMechanism.PrivateDecoding, "private-decoding"), (AnswerMechanism.Public, "public")];

    /// <summary>The mechanism's name on every wire: <c>choice</c>, <c>private-decoding</c>, <c>public</c>.</summary>
    public static string NameOf(AnswerMechanism mechanism) => Array.Find(Mechanisms, pair => pair.Mechanism == mechanism).Name;

    /// <returns>Null where no mechanism has this name.</returns>
    public static AnswerMechanism? Named(string name) => Mechanisms.Where(pair => pair.Name == name).Select(pair => (AnswerMechanism?)pair.Mechanism).FirstOrDefault();

    public static Protocol.Question ToWire(Question question)
    {
        var wire = new Protocol.Question
        {
            Mechanism = NameOf(question.Mechanism),
            Epsilon = question.Epsilon.Value,
            Delta = question.Delta.Value,
            MaxTokens = question.MaxTokens,
            Temperature = question.Temperature,
            TopP = question.TopP,
            TopK = question.TopK,
            MinP = question.MinP,
            PresencePenalty = question.PresencePenalty,
            FrequencyPenalty = question.FrequencyPenalty,
            Answers = question.Answers,
            AnswerSchema = question.AnswerSchema ?? string.Empty,
        };
        if (question.Seed is { } seed)
        {
            wire.Seed = seed;
        }

        wire.Messages.AddRange(question.Messages.Select(message => new Protocol.ChatMessage { Role = message.Role, Content = message.Content }));
        wire.Choices.AddRange(question.Choices);
        wire.Stop.AddRange(question.Stop);
        foreach (var (token, bias) in question.LogitBias)
        {
            wire.LogitBias[token] = bias;
        }

        return wire;
    }

    /// <exception cref="FormatException">A field is absent or out of range.</exception>
    public static Question FromWire(Protocol.Question? wire)
    {
        if (wire is null || wire.Messages.Count is 0 or > QuestionRules.MaxMessages)
        {
            throw new FormatException($"a question has between 1 and {QuestionRules.MaxMessages} messages");
        }

        try
        {
            return new Question
            {
                Messages = [.. wire.Messages.Select(message => new ChatMessage(message.Role, message.Content))],
                Mechanism = Named(wire.Mechanism) ?? throw new FormatException("unknown mechanism"),
                Choices = [.. wire.Choices],
                Epsilon = new Epsilon(wire.Epsilon),
                Delta = new Delta(wire.Delta),
                MaxTokens = wire.MaxTokens,
                Temperature = wire.Temperature,
                TopP = wire.TopP,
                TopK = wire.TopK,
                MinP = wire.MinP,
                Stop = [.. wire.Stop],
                LogitBias = wire.LogitBias.ToDictionary(),
                PresencePenalty = wire.PresencePenalty,
                FrequencyPenalty = wire.FrequencyPenalty,
                Answers = wire.Answers,
                AnswerSchema = wire.AnswerSchema.Length > 0 ? wire.AnswerSchema : null,
                Seed = wire.HasSeed ? wire.Seed : null,
            };
        }
        catch (ArgumentOutOfRangeException error)
        {
            throw new FormatException(error.Message, error);
        }
    }
}
