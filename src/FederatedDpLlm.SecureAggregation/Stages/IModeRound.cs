namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>The coordinator's side of what the modes do differently: how secrets are dealt, what an upload has to fit, and how the sum is opened.</summary>
internal interface IModeRound
{
    /// <summary>How many dealt.</summary>
    int Dealt { get; }

    /// <summary>In the committee mode the survivors' ciphertexts, in ascending order; else empty.</summary>
    IReadOnlyList<CommitteeCiphertext> Ciphertexts { get; }

    /// <summary>Takes a client's sharing; null where it was accepted.</summary>
    Refusal? ReceiveSharing(KeySharing message);

    /// <summary>For every client that may upload, what was dealt to it.</summary>
    IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>> CloseSharings();

    /// <summary>Whether an upload of a client can be part of the sum.</summary>
    bool MayUpload(int client);

    /// <summary>Why an upload whose payload is the announced one does not belong to this round; null where it does.</summary>
    Refusal? CheckUpload(int sender, UploadBody body, ReadOnlySpan<byte> payload);

    /// <summary>Keeps what the later stages need of an accepted upload.</summary>
    void Keep(int client, MaskedUpload upload);

    /// <summary>Takes what a client releases; null where it was accepted.</summary>
    Refusal? ReceiveUnmasking(int sender, ReadOnlySpan<byte> body, ReadOnlySpan<byte> announcement);

    /// <summary>Opens the sum.</summary>
    Outcome<AggregateSum> Open(UpdateSum sum, SurvivorAnnouncement announcement, int workers);
}
