using FederatedDpLlm.Routing;

namespace FederatedDpLlm.Router.Endpoints;

/// <summary><c>GET /v1/models</c>: the models that a healthy node serves now.</summary>
internal static class ModelsEndpoint
{
    public static void MapModels(this IEndpointRouteBuilder endpoints) => endpoints.MapGet("/v1/models", Handle);

    private static async Task Handle(HttpContext context, FederatedRouter router, Gatekeeper gatekeeper)
    {
        if (await gatekeeper.AdmitAsync(context) is not null)
        {
            await context.Response.WriteAsJsonAsync(
                new ModelList("list", [.. router.Models.Select(model => new ModelEntry(model, "model", 0, "federation"))]), OpenAiJson.Default.ModelList);
        }
    }
}

internal sealed record ModelList(string Object, IReadOnlyList<ModelEntry> Data);

internal sealed record ModelEntry(string Id, string Object, long Created, string OwnedBy);
