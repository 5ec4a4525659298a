using System.Security.Cryptography;
using System.Text;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights.Adapters;

namespace FederatedDpLlm.Models.Weights;

/// <summary>
/// SHA-256 over the files that decide a model's answers: configuration, tokenizer, weights, and the adapter over them. Equal digests are the same model; the same model kept
/// in another format has another one. Names of folders, and files that are not read, make no difference.
/// </summary>
public static class ModelDigest
{
    /// <summary>Length as text: 64 hexadecimal digits, lower case.</summary>
    public const int Length = 2 * SHA256.HashSizeInBytes;

    /// <summary>Reads every byte of the model once.</summary>
    /// <param name="path">As for <see cref="LanguageModel.Load"/>.</param>
    /// <param name="adapter">As for <see cref="LoraAdapter.Read"/>; null for the model as it is.</param>
    /// <exception cref="ModelFormatException">The folder's index names no parts.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static string Of(string path, string? adapter = null)
    {
        IReadOnlyList<string> model = Directory.Exists(path)
            ? [Path.Combine(path, ConfigurationFile.FileName), Path.Combine(path, TokenizerFile.FileName), .. SafetensorsFolder.FilesOf(path)]
            : [path];
        IReadOnlyList<string> over = adapter is null ? []
            : Directory.Exists(adapter) ? [Path.Combine(adapter, PeftAdapter.ConfigurationName), Path.Combine(adapter, PeftAdapter.WeightsName)]
            : [adapter];
        // How many of each, so that no adapter can pass for a part of the model.
        return Hex([(byte)(over.Count), .. BitConverter.GetBytes(model.Count), .. model.Concat(over).SelectMany(HashOf)]);
    }

    /// <summary>For a model behind a server, of which a node knows the name only: what two servers call the same counts as the same.</summary>
    /// <param name="model">The model's name at the server.</param>
    /// <param name="adapter">The adapter's name; null for none.</param>
    public static string OfName(string model, string? adapter) => Hex(Encoding.UTF8.GetBytes($"named\n{model}\n{adapter}"));

    /// <summary>Whether a text is a digest.</summary>
    public static bool IsOne(string text) => text.Length == Length && text.All(char.IsAsciiHexDigitLower);

    private static byte[] HashOf(string file)
    {
        using var stream = File.OpenRead(file);
        return SHA256.HashData(stream);
    }

    private static string Hex(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));
}
