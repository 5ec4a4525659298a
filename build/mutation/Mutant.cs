using System.Security.Cryptography;
using System.Text;

namespace FederatedDpLlm.Mutation;

/// <summary>One small wrong change of one place.</summary>
/// <param name="File">Relative to the project.</param>
/// <param name="Line">From 1.</param>
/// <param name="Start">Where in the file.</param>
/// <param name="Kind">Of change.</param>
/// <param name="Before">The code as it is.</param>
/// <param name="After">The code as the mutant has it.</param>
internal sealed record Mutant(string File, int Line, int Start, string Kind, string Before, string After)
{
    /// <summary>Its number in the mutated assembly.</summary>
    public int Id { get; set; }

    /// <summary>Orders mutants at random, and the same way for the same seed whatever else changes in the project.</summary>
    public string Lot(string seed) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}\n{File}\n{Start}\n{Kind}\n{After}")));

    public override string ToString() => $"{File}:{Line} {Kind}: {OneLine(Before)} -> {OneLine(After)}";

    private static string OneLine(string code) => string.Join(' ', code.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)) is var line && line.Length > 90 ? line[..90] + "..." : line;
}
