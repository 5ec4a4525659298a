using System.Security.Cryptography;
using System.Text;
using FederatedDpLlm.Security.Authentication;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;

namespace FederatedDpLlm.Tests.Security.Authentication;

public sealed class TokenValidatorTests
{
    private static readonly Caller Clinician = new("alice", Roles.Clinician, "cardiology");
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 22, 12, 0, 0, TimeSpan.Zero));
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly TokenValidator _validator;
    private readonly TokenIssuer _issuer;

    public TokenValidatorTests()
    {
        _issuer = new TokenIssuer(_key, "issuer", "router", _clock);
        var publicKey = ECDsa.Create();
        publicKey.ImportFromPem(_key.ExportSubjectPublicKeyInfoPem());
        _validator = new TokenValidator(publicKey, "issuer", "router", _clock);
    }

    [Fact]
    public async Task A_valid_token_names_its_caller() => Assert.Equal(Clinician, await _validator.ValidateAsync(_issuer.Issue(Clinician, TimeSpan.FromHours(1))));

    [Fact]
    public async Task An_expired_token_names_nobody()
    {
        var token = _issuer.Issue(Clinician, TimeSpan.FromHours(1));
        _clock.Advance(TimeSpan.FromHours(1) + TimeSpan.FromMinutes(1));
        Assert.Null(await _validator.ValidateAsync(token));
    }

    [Fact]
    public async Task A_token_for_another_audience_or_of_another_issuer_names_nobody()
    {
        Assert.Null(await _validator.ValidateAsync(new TokenIssuer(_key, "issuer", "elsewhere", _clock).Issue(Clinician, TimeSpan.FromHours(1))));
        Assert.Null(await _validator.ValidateAsync(new TokenIssuer(_key, "somebody", "router", _clock).Issue(Clinician, TimeSpan.FromHours(1))));
    }

    [Fact]
    public async Task The_log_learns_what_was_wrong_with_a_token_in_a_word()
    {
        var old = _issuer.Issue(Clinician, TimeSpan.FromHours(1));
        _clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(TokenFault.Absent, (await _validator.CheckAsync(null)).Fault);
        Assert.Equal(TokenFault.Expired, (await _validator.CheckAsync(old)).Fault);
        Assert.Equal(TokenFault.Invalid, (await _validator.CheckAsync("nonsense")).Fault);
        Assert.Equal(TokenFault.Invalid, (await _validator.CheckAsync(new TokenIssuer(_key, "issuer", "elsewhere", _clock).Issue(Clinician, TimeSpan.FromHours(1)))).Fault);
    }

    [Fact]
    public async Task A_name_that_is_half_a_character_names_nobody() =>
        Assert.Null(await _validator.ValidateAsync(_issuer.Issue(Clinician with { User = "a\ud800" }, TimeSpan.FromHours(1))));

    [Fact]
    public async Task A_token_of_another_key_names_nobody()
    {
        using var forger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Null(await _validator.ValidateAsync(new TokenIssuer(forger, "issuer", "router", _clock).Issue(Clinician, TimeSpan.FromHours(1))));
    }

    [Fact]
    public async Task A_token_without_signature_names_nobody()
    {
        var parts = _issuer.Issue(Clinician, TimeSpan.FromHours(1)).Split('.');
        var none = Base64UrlEncoder.Encode("{\"alg\":\"none\",\"typ\":\"JWT\"}");
        Assert.Null(await _validator.ValidateAsync($"{none}.{parts[1]}."));
        Assert.Null(await _validator.ValidateAsync($"{none}.{parts[1]}.{parts[2]}"));
        Assert.Null(await _validator.ValidateAsync($"{parts[0]}.{parts[1]}."));
    }

    [Fact]
    public async Task The_public_key_used_as_a_shared_secret_signs_nothing()
    {
        var header = Base64UrlEncoder.Encode("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
        var payload = _issuer.Issue(Clinician, TimeSpan.FromHours(1)).Split('.')[1];
        var secret = Encoding.ASCII.GetBytes(_key.ExportSubjectPublicKeyInfoPem());
        var signature = Base64UrlEncoder.Encode(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes($"{header}.{payload}")));
        Assert.Null(await _validator.ValidateAsync($"{header}.{payload}.{signature}"));
    }

    [Fact]
    public async Task Every_changed_character_of_a_token_makes_it_name_nobody()
    {
        var token = _issuer.Issue(Clinician, TimeSpan.FromHours(1));
        // The last character carries padding bits that do not count; every other one does.
        for (var index = 0; index < token.Length - 1; index++)
        {
            var changed = token.ToCharArray();
            changed[index] = changed[index] == 'A' ? 'B' : 'A';
            Assert.Null(await _validator.ValidateAsync(new string(changed)));
        }
    }

    [Theory, InlineData(null), InlineData(""), InlineData("."), InlineData(".."), InlineData("a.b.c"), InlineData("eyJ.eyJ.x")]
    public async Task What_is_no_token_names_nobody(string? token) => Assert.Null(await _validator.ValidateAsync(token));

    [Fact]
    public async Task A_token_longer_than_any_of_ours_is_not_even_read() => Assert.Null(await _validator.ValidateAsync(new string('a', 1_000_000)));

    [Fact]
    public void A_role_that_does_not_exist_is_not_issued() =>
        Assert.Throws<ArgumentException>(() => _issuer.Issue(Clinician with { Role = "superuser" }, TimeSpan.FromHours(1)));
}
