namespace FederatedDpLlm.Security.Authentication;

/// <summary>Names of our own claims in a token.</summary>
internal static class TokenClaims
{
    public const string Role = "role";
    public const string Department = "department";
}
