using System.Text.Json.Nodes;

namespace FederatedDpLlm.Inference.Engines.Remote;

internal static class ChatJson
{
    /// <summary><c>[{"role", "content"}]</c>, which every server reads.</summary>
    public static JsonArray Messages(IReadOnlyList<ChatMessage> messages) => [.. messages.Select(message => new JsonObject { ["role"] = message.Role, ["content"] = message.Content })];
}
