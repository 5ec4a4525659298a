using System.Text.Json;

namespace FederatedDpLlm.Inference.Engines.Remote;

internal static class TokenNumbers
{
    /// <summary>The numbers in an answer's <c>tokens</c>.</summary>
    /// <param name="reply">A server's answer.</param>
    /// <param name="vocabulary">How many tokens the model has.</param>
    /// <exception cref="EngineException">There are none, or one is no token of the model.</exception>
    public static IReadOnlyList<int> Read(JsonElement reply, int vocabulary)
    {
        if (reply.Property("tokens") is not { ValueKind: JsonValueKind.Array } list)
        {
            throw EngineJson.Lacks("tokens");
        }

        return [.. list.EnumerateArray().Select(token => Checked(token.AsCount(), vocabulary))];
    }

    /// <exception cref="EngineException">It is no token of the model.</exception>
    public static int Checked(int? token, int vocabulary) =>
        token is { } number && number < vocabulary ? number : throw new EngineException(EngineFault.WrongVocabulary, "The engine names a token that the model's vocabulary does not have.");
}
