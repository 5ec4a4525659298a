using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Routing;
using FederatedDpLlm.Security.Authentication;

namespace FederatedDpLlm.Tests.Routing;

/// <summary>Questions for scripted nodes.</summary>
internal static class TestQuestions
{
    /// <summary>A purpose that the router's policy does not know.</summary>
    public const string NoQuota = "no-quota";

    public static RoutedQuestion Free() => Ask(new Question { Messages = [new ChatMessage("user", "Is it so?")], Mechanism = AnswerMechanism.Public });

    public static RoutedQuestion Choice(double epsilon) => Ask(new Question
    {
        Messages = [new ChatMessage("user", "Is it so?")],
        Mechanism = AnswerMechanism.Choice,
        Choices = ["yes", "no"],
        Epsilon = new Epsilon(epsilon),
        Delta = new Delta(1e-6),
    });

    public static RoutedQuestion Decoding(double epsilon, int maxTokens) => Ask(new Question
    {
        Messages = [new ChatMessage("user", "Is it so?")],
        Mechanism = AnswerMechanism.PrivateDecoding,
        Epsilon = new Epsilon(epsilon),
        Delta = new Delta(1e-6),
        MaxTokens = maxTokens,
    });

    private static RoutedQuestion Ask(Question question) => new(
        Guid.NewGuid().ToString("N"), new Caller("alice", Roles.Clinician, "cardiology"), "treatment", ScriptedNode.Model, null, NoisePlace.Node, question);

    public static RoutedQuestion Several(RoutedQuestion question, int answers) => question with { Question = question.Question with { Answers = answers } };

    /// <summary>The same question of another user.</summary>
    public static RoutedQuestion By(string user, RoutedQuestion question) => question with { Caller = question.Caller with { User = user } };

    /// <summary>The same question in other words.</summary>
    public static RoutedQuestion Saying(string words, RoutedQuestion question) => question with { Question = question.Question with { Messages = [new ChatMessage("user", words)] } };

    /// <summary>The same question with its noise drawn by the router.</summary>
    public static RoutedQuestion AtRouter(RoutedQuestion question) => question with { Trust = NoisePlace.Router };
}
