namespace FederatedDpLlm.Inference;

/// <summary>How an answer ended and what ran for it.</summary>
/// <param name="FinishReason">As the API says it.</param>
/// <param name="Tokens">Tokens of the answer; for a choice those of the released option.</param>
/// <param name="Voters">Voters that took part, by configuration: empty shards count; 0 for the public path.</param>
/// <param name="Cost">What ran; what the plan cost more was never drawn and returns to its accounts.</param>
/// <param name="Option">The index of the released option; null for other mechanisms.</param>
public sealed record AnswerCompletion(FinishReason FinishReason, int Tokens, int Voters, AnswerCost Cost, int? Option);
