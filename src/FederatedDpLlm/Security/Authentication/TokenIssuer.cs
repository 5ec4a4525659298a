using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace FederatedDpLlm.Security.Authentication;

/// <summary>Signs bearer tokens (RFC 7519) with ES256 (RFC 7518, 3.4). It holds the private key; the router holds only the public one.</summary>
/// <remarks>The specification's Authentication Manager, its JWT half.</remarks>
public sealed class TokenIssuer(ECDsa signingKey, string issuer, string audience, TimeProvider clock)
{
    private readonly SigningCredentials _credentials = new(new ECDsaSecurityKey(signingKey), SecurityAlgorithms.EcdsaSha256);
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <exception cref="ArgumentException">The role is none of <see cref="Roles.All"/>, or a name is empty.</exception>
    public string Issue(Caller caller, TimeSpan lifetime)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(caller.User);
        ArgumentException.ThrowIfNullOrWhiteSpace(caller.Department);
        if (!Roles.All.Contains(caller.Role))
        {
            throw new ArgumentException($"'{caller.Role}' is no role; one of {string.Join(", ", Roles.All)}.", nameof(caller));
        }

        var now = clock.GetUtcNow().UtcDateTime;
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = audience,
            IssuedAt = now,
            NotBefore = now,
            Expires = now + lifetime,
            Claims = new Dictionary<string, object>
            {
                [JwtRegisteredClaimNames.Sub] = caller.User,
                [JwtRegisteredClaimNames.Jti] = Guid.NewGuid().ToString("N"),
                [TokenClaims.Role] = caller.Role,
                [TokenClaims.Department] = caller.Department,
            },
            SigningCredentials = _credentials,
        });
    }
}
