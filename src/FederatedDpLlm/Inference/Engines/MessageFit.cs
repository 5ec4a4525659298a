namespace FederatedDpLlm.Inference.Engines;

/// <summary>Cuts a question that is longer than an engine can read. A public rule: it looks at the asker's own text only.</summary>
internal static class MessageFit
{
    private const string Gap = " ... ";

    /// <summary>The messages with the longest one's middle taken out until they fit; at least its first and last characters stay.</summary>
    public static IReadOnlyList<ChatMessage> Cut(IReadOnlyList<ChatMessage> messages, int maxTokens, Func<IReadOnlyList<ChatMessage>, int> count)
    {
        for (var tokens = count(messages); tokens > maxTokens; tokens = count(messages))
        {
            var longest = messages.Index().MaxBy(message => message.Item.Content.Length);
            var keep = (int)(longest.Item.Content.Length * Math.Min(0.95, (double)maxTokens / tokens)) - Gap.Length;
            if (keep < 2)
            {
                return messages;
            }

            messages = [.. messages.Select((message, i) => i == longest.Index ? message with { Content = WithoutMiddle(message.Content, keep) } : message)];
        }

        return messages;
    }

    private static string WithoutMiddle(string text, int keep) => string.Concat(text.AsSpan(0, keep / 2), Gap, text.AsSpan(text.Length - (keep - (keep / 2))));
}
