using System.Net;
using FederatedDpLlm.Routing;
using FederatedDpLlm.Security.Authentication;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary>Who is calling, by the bearer token of the request. Whoever shows none that is good gets the same 401 for every fault, which only the audit log tells apart.</summary>
internal sealed class Gatekeeper(TokenValidator tokens, RefusedTokens refused, DashboardOptions dashboard)
{
    private const string Bearer = "Bearer ";

    /// <returns>The caller; null where the 401 is written and counted.</returns>
    public async Task<Caller?> AdmitAsync(HttpContext context)
    {
        var (caller, fault) = await IdentifyAsync(context);
        if (caller is null)
        {
            await RefuseAsync(context, fault);
        }

        return caller;
    }

    /// <summary>Whether the caller may read accounts and decisions: an observing role, or this machine itself where the configuration opens the page to it.</summary>
    /// <returns>False where the 401 is written and counted.</returns>
    public async Task<bool> AdmitObserverAsync(HttpContext context)
    {
        if (dashboard.OpenToThisMachine && IsFromThisMachine(context) && context.Request.Headers.Authorization.Count == 0)
        {
            return true;
        }

        var (caller, fault) = await IdentifyAsync(context);
        if (caller is not null && Roles.MayObserve(caller.Role))
        {
            return true;
        }

        await RefuseAsync(context, caller is null ? fault : TokenFault.MayNotObserve);
        return false;
    }

    // A page of another site can send this machine's browser here under a name of its own; it cannot call itself localhost.
    private static bool IsFromThisMachine(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
        && (context.Request.Host.Host is "localhost" || (IPAddress.TryParse(context.Request.Host.Host.Trim('[', ']'), out var host) && IPAddress.IsLoopback(host)));

    private async Task RefuseAsync(HttpContext context, TokenFault fault)
    {
        await refused.CountAsync(fault);
        await OpenAiError.Unauthorized.WriteAsync(context);
    }

    private Task<(Caller? Caller, TokenFault Fault)> IdentifyAsync(HttpContext context) => context.Request.Headers.Authorization switch
    {
        [{ } value] when value.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) => tokens.CheckAsync(value[Bearer.Length..].Trim()),
        { Count: 0 } => tokens.CheckAsync(null),
        _ => Task.FromResult<(Caller?, TokenFault)>((null, TokenFault.Invalid)),
    };
}
