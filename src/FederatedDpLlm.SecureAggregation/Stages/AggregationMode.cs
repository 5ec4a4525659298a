namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>How an update is hidden; the sum is the same integer vector in every mode.</summary>
public enum AggregationMode
{
    /// <summary>Additive masks modulo a power of two from an AES keystream: standard assumptions only. The default.</summary>
    Mask = 1,

    /// <summary>
    /// Key-additive lattice encryption: ciphertexts are added without decryption, and only the sum of the clients' small keys goes through the masks.
    /// The coordinator's work does not grow with dropouts, the client's not with its neighbours.
    /// WARNING: parameters, samplers and the use of ring-LWE with hints were not reviewed by a cryptographer, and the lattice estimator was not run for
    /// them; docs/adr says what is open. A party opts in for itself (<see cref="RoundParameters"/>).
    /// </summary>
    Homomorphic = 2,

    /// <summary>
    /// As <see cref="Homomorphic"/>, but the keys are encrypted to a committee of clients that holds a threshold key for this round only: a client outside
    /// the committee sends one message and is done.
    /// WARNING: as above; besides, clients are trusted to follow the protocol. Nothing proves that a ciphertext was made without looking at another one, so a
    /// client that colludes with the coordinator can bend the sum towards another client's update. A committee member that deals or answers wrongly is
    /// noticed: while enough other answers fit, the sum stands and <see cref="AggregateSum.LeftOut"/> names whose answer did not, without saying whether that
    /// member or one that dealt to it is at fault; otherwise there is no sum, and nobody is named.
    /// </summary>
    Committee = 3,
}
