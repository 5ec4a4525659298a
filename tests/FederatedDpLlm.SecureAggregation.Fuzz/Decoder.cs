namespace FederatedDpLlm.SecureAggregation.Fuzz;

/// <summary>Something that reads bytes from a peer, a file or a crash.</summary>
/// <param name="Name">As on the command line of the harness.</param>
/// <param name="Honest">An encoding that it accepts.</param>
/// <param name="ReadAndWrite">Reads; null where it refuses, else what it writes for what it read.</param>
internal sealed record Decoder(string Name, byte[] Honest, Func<byte[], byte[]?> ReadAndWrite)
{
    /// <summary>Throws where the decoder throws, or accepts an encoding other than the one it would write: an encoding is unique.</summary>
    public bool Check(byte[] input)
    {
        var written = ReadAndWrite(input);
        if (written is not null && !written.AsSpan().SequenceEqual(input))
        {
            throw new InvalidDataException($"{Name} accepted an encoding that it does not write.");
        }

        return written is not null;
    }
}
