using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FederatedDpLlm.Configuration;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace FederatedDpLlm.Security.Authentication;

/// <summary>
/// Turns a bearer token into a <see cref="Caller"/>, or into nothing. One algorithm (ES256), one issuer, one audience, an expiry that must be there; a
/// refusal gives no reason, since whoever shows a wrong token has learned enough.
/// </summary>
public sealed class TokenValidator
{
    private const int LongestToken = 8 * 1024;
    private const int LongestName = 128;
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, MaximumTokenSizeInBytes = LongestToken };
    private readonly TokenValidationParameters _parameters;
    private readonly TimeProvider _clock;

    public TokenValidator(ECDsa publicKey, string issuer, string audience, TimeProvider clock)
    {
        _clock = clock;
        _parameters = new TokenValidationParameters
        {
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            IssuerSigningKey = new ECDsaSecurityKey(publicKey),
            TryAllIssuerSigningKeys = true,
            ValidIssuer = issuer,
            ValidAudience = audience,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            LifetimeValidator = IsInItsTime,
        };
    }

    /// <exception cref="ConfigurationException">The public key cannot be read.</exception>
    public static TokenValidator Load(TokenOptions options, string publicKeyPath, TimeProvider clock)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(publicKeyPath));
        }
        catch (Exception error) when (error is IOException or ArgumentException or CryptographicException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"The token issuer's public key '{publicKeyPath}' cannot be used: {error.Message}", error);
        }

        return new TokenValidator(key, options.Issuer, options.Audience, clock);
    }

    /// <returns>The caller, or null: absent, forged, expired, of another audience, unsigned or malformed are all the same here.</returns>
    public async Task<Caller?> ValidateAsync(string? token) => (await CheckAsync(token)).Caller;

    /// <returns>The caller, or the fault, which is for the audit log alone.</returns>
    public async Task<(Caller? Caller, TokenFault Fault)> CheckAsync(string? token)
    {
        if (string.IsNullOrEmpty(token))
        {
            return (null, TokenFault.Absent);
        }

        if (token.Length > LongestToken)
        {
            return (null, TokenFault.Invalid);
        }

        var result = await _handler.ValidateTokenAsync(token, _parameters);
        return result.IsValid && result.SecurityToken is JsonWebToken parsed
            ? (CallerOf(parsed), TokenFault.Invalid)
            : (null, result.Exception is SecurityTokenInvalidLifetimeException ? TokenFault.Expired : TokenFault.Invalid);
    }

    private static Caller? CallerOf(JsonWebToken parsed) =>
        parsed.TryGetPayloadValue<string>(JwtRegisteredClaimNames.Sub, out var user) && IsName(user)
            && parsed.TryGetPayloadValue<string>(TokenClaims.Role, out var role) && Roles.All.Contains(role)
            && parsed.TryGetPayloadValue<string>(TokenClaims.Department, out var department) && IsName(department)
            ? new Caller(user, role, department)
            : null;

    // What the ledger cannot write as UTF-8 (half a surrogate pair) is no name, and what only looks like another's (invisible characters, blanks around it) is none either.
    private static bool IsName(string? name) =>
        !string.IsNullOrWhiteSpace(name) && name.Length <= LongestName && !name.Any(one => char.IsControl(one) || char.GetUnicodeCategory(one) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
        && name.Trim().Length == name.Length && name.EnumerateRunes().All(rune => rune != Rune.ReplacementChar);

    private bool IsInItsTime(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = _clock.GetUtcNow().UtcDateTime;
        return expires is { } end && now < end + ClockSkew && (notBefore is not { } start || now >= start - ClockSkew);
    }
}
