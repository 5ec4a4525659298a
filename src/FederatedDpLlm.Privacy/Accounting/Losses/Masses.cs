namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>The masses that one set of outcomes has under the two distributions of a pair.</summary>
internal readonly record struct Masses(double P, double Q);
