namespace FederatedDpLlm.Security.Authentication;

/// <summary>Who asks, as a verified token says it.</summary>
/// <param name="User">Subject; the name of the user's quota.</param>
/// <param name="Role">What the user may do; see <see cref="Roles"/>.</param>
/// <param name="Department">The department whose quota is used.</param>
public sealed record Caller(string User, string Role, string Department);
