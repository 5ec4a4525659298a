namespace FederatedDpLlm.Inference.Engines;

/// <summary>The messages of the asker, and the records that one voter puts before them (none for the public context).</summary>
public sealed record ChatContext(IReadOnlyList<ChatMessage> Messages, IReadOnlyList<string> Records);
