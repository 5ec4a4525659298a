using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace FederatedDpLlm.Dashboard;

/// <summary>The pages, out of the assembly: no file of the machine is served, and what is not named here does not exist.</summary>
public static class DashboardEndpoints
{
    private static readonly (string Path, string Resource, string ContentType)[] Pages =
    [
        ("/", "pages/index.html", "text/html; charset=utf-8"),
        ("/assets/federation.css", "pages/federation.css", "text/css; charset=utf-8"),
        ("/assets/icon.svg", "pages/icon.svg", "image/svg+xml"),
        ("/assets/federation.js", "pages/federation.js", "text/javascript; charset=utf-8"),
    ];

    public static void MapDashboard(this IEndpointRouteBuilder endpoints)
    {
        foreach (var (path, resource, contentType) in Pages)
        {
            var content = Read(resource);
            endpoints.MapGet(path, (HttpContext context) =>
            {
                context.Response.Headers.ContentSecurityPolicy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
                context.Response.Headers.XContentTypeOptions = "nosniff";
                context.Response.Headers["Referrer-Policy"] = "no-referrer";
                return Results.Bytes(content, contentType);
            });
        }
    }

    private static byte[] Read(string resource)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The page '{resource}' is not in the assembly.");
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }
}
