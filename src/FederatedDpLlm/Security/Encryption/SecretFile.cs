using System.Security.Cryptography;
using FederatedDpLlm.Configuration;

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
            if (!File.Exists(path))
            {
                // Never half a key, which would look like a damaged one for ever; and never in place of one that another process made meanwhile.
                OwnerOnlyFile.Write(path, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(sizeBytes)), replace: false);
            }

            var key = Convert.FromHexString(File.ReadAllText(path).Trim());
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
