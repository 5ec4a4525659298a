namespace FederatedDpLlm.Models.Serving;

/// <summary>A token of an answer.</summary>
/// <param name="Id">Its number.</param>
/// <param name="LogProbability">The natural logarithm of its probability under the model at temperature 1, before anything shaped the logits.</param>
/// <param name="IsLast">Whether the answer ends with it though it could be longer: it has the form asked for, and nothing may follow.</param>
public readonly record struct StreamToken(int Id, double LogProbability, bool IsLast);
