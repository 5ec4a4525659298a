namespace FederatedDpLlm.Routing;

/// <summary>What happens to one question, in order: refused (alone), or text pieces, then completed or failed.</summary>
public abstract record RouteEvent
{
    private RouteEvent()
    {
    }

    /// <summary>The only event of a question that was not answered.</summary>
    public sealed record Refused(RouteRefusal Refusal) : RouteEvent;

    /// <summary>Text to append to one of the question's answers, counted from 0.</summary>
    public sealed record Text(string Value, int Answer) : RouteEvent
    {
        /// <summary>Its length only: an answer is not for logs.</summary>
        public override string ToString() => $"Text ({Value.Length} characters)";
    }

    /// <summary>The last event of a question that was answered; its charge is durable.</summary>
    public sealed record Completed(RouteCompletion Completion) : RouteEvent;

    /// <summary>The last event of an answer that broke off. What may have run is charged.</summary>
    public sealed record Failed(string Message) : RouteEvent;
}
