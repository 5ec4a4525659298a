using FederatedDpLlm.Security.Authentication;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>Who is calling, by the bearer token of the request.</summary>
internal sealed class Gatekeeper(TokenValidator tokens, DashboardOptions dashboard)
{
    private const string Bearer = "Bearer ";

    public Task<Caller?> IdentifyAsync(HttpContext context)
    {
        var header = context.Request.Headers.Authorization;
        return header is [{ } value] && value.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            ? tokens.ValidateAsync(value[Bearer.Length..].Trim())
            : Task.FromResult<Caller?>(null);
    }

    /// <summary>Whether the caller may read accounts and decisions: an observing role, or this machine itself where the configuration opens the page to it.</summary>
    public async Task<bool> MayObserveAsync(HttpContext context) =>
        (await IdentifyAsync(context) is { } caller && Roles.MayObserve(caller.Role))
        || (dashboard.OpenToThisMachine && context.Connection.RemoteIpAddress is { } address && System.Net.IPAddress.IsLoopback(address)
            && context.Request.Headers.Authorization.Count == 0);
}
