namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>What a call to a node gave next.</summary>
public abstract record NodeReply<TEvent>
{
    private NodeReply()
    {
    }

    public sealed record Event(TEvent Value) : NodeReply<TEvent>;

    /// <summary>The node ended its stream.</summary>
    public sealed record Ended : NodeReply<TEvent>;

    /// <summary>The call broke. <paramref name="NeverSent"/>: no connection came about, so that the node cannot have drawn anything.</summary>
    public sealed record Broken(bool NeverSent, string Reason) : NodeReply<TEvent>;
}
