namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>A number that lies between two computed ones. Promise <see cref="Upper"/>; <see cref="Lower"/> says how much of it is the computation's own.</summary>
/// <param name="Lower">Never above the truth.</param>
/// <param name="Upper">Never below the truth; may be infinite.</param>
public readonly record struct Bracket(double Lower, double Upper);
