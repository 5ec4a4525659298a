namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>What the coordinator sends a survivor.</summary>
/// <param name="Announcement">The encoded <see cref="SurvivorAnnouncement"/>, the same for everybody.</param>
/// <param name="InclusionProof">The path from the reader's own upload header to the root.</param>
public sealed record AnnouncedSurvivors(ReadOnlyMemory<byte> Announcement, IReadOnlyList<byte[]> InclusionProof)
{
    /// <summary>In the committee mode, one for each survivor in ascending order; empty in the others.</summary>
    public IReadOnlyList<CommitteeCiphertext> Ciphertexts { get; init; } = [];
}
