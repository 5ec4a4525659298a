using System.Text.Json;
using System.Text.Json.Serialization;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>With <c>--json</c>, standard output holds exactly one line of JSON; everything else goes to standard error.</summary>
internal static class JsonLine
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write<T>(T value) => Console.Out.WriteLine(JsonSerializer.Serialize(value, Options));
}
