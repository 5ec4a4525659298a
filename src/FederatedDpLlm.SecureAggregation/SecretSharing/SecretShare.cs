using FederatedDpLlm.SecureAggregation.Fields;

namespace FederatedDpLlm.SecureAggregation.SecretSharing;

/// <summary>The value at one point of two polynomials: the one that hides a secret and the one that hides the commitment to it.</summary>
/// <param name="Point">The abscissa: at least 1 (the secret lies at 0).</param>
/// <param name="Value">The share of the secret.</param>
/// <param name="Blinding">The share of the blinding.</param>
public readonly record struct SecretShare(int Point, Scalar Value, Scalar Blinding);
