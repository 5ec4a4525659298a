using System.Security.Cryptography;
using System.Text;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Models;

namespace FederatedDpLlm.Security.Encryption;

/// <summary>A secret key in a file of its own, readable by its owner only: made at the first start and kept.</summary>
public static class SecretFile
{
    /// <param name="path">Hexadecimal, one line.</param>
    /// <param name="sizeBytes">The key's size.</param>
    /// <exception cref="ConfigurationException">The file holds no such key, or cannot be read or made. A new one is never made in its place: what the old one protects would be lost.</exception>
    public static byte[] LoadOrCreate(string path, int sizeBytes)
    {
        try
        {
            // Never half a key, which would look like a damaged one for ever; and never in place of one that another process made meanwhile.
            var text = WholeFile.ReadOrCreate(path, () => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(sizeBytes))));
            var key = Convert.FromHexString(Encoding.UTF8.GetString(text).Trim());
            return key.Length >= sizeBytes ? key : throw new ConfigurationException($"The key '{path}' has {key.Length} bytes where {sizeBytes} are needed: restore the old file.");
        }
        catch (FormatException error)
        {
            throw new ConfigurationException($"The key '{path}' is not hexadecimal: restore the old file.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"The key '{path}' cannot be made or read: {error.Message}", error);
        }
    }
}
