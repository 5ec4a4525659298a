namespace FederatedDpLlm.Routing.Retries;

/// <summary>What a request whose caller gave it an id is.</summary>
public abstract record RetryStart
{
    private RetryStart()
    {
    }

    /// <summary>The first one under this id: it is to be asked, and <see cref="AnswerRetries.End"/> called.</summary>
    public sealed record First : RetryStart;

    /// <summary>A repeat: the answer that was given, free.</summary>
    public sealed record Stored(byte[] Body) : RetryStart
    {
        /// <summary>Its length only: an answer is not for logs.</summary>
        public override string ToString() => $"Stored ({Body.Length} bytes)";
    }

    /// <summary>The first one is still being answered.</summary>
    public sealed record UnderWay : RetryStart;

    /// <summary>The id belongs to another request, or to another role of the caller.</summary>
    public sealed record OtherRequest : RetryStart;
}
