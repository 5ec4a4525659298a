namespace FederatedDpLlm.Privacy.Sampling;

/// <summary>A cryptographically secure source of random bytes. Seeded sources exist in tests only.</summary>
public interface ISecureRandom
{
    /// <summary>Fills <paramref name="destination"/> with independent uniform bytes.</summary>
    void Fill(Span<byte> destination);
}
