namespace FederatedDpLlm.Privacy.Evaluation;

/// <summary>A query that has no answer: an unknown mechanism or quantity, a missing or impossible parameter.</summary>
public sealed class QueryException(string message) : Exception(message);
