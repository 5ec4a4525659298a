namespace FederatedDpLlm.Inference.Voters;

/// <summary>That a record of a shard holds a term, and how often.</summary>
internal readonly record struct Posting(int Record, int Frequency);
