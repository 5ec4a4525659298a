using System.CommandLine;
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

    /// <summary>Whether the line is written.</summary>
    public static bool IsWritten { get; private set; }

    /// <summary>The option by which a command is asked for the line.</summary>
    public static Option<bool> Option() => new("--json") { Description = "Exactly one line of JSON on standard output." };

    public static void Write<T>(T value)
    {
        IsWritten = true;
        Console.Out.WriteLine(JsonSerializer.Serialize(value, Options));
    }
}
