namespace FederatedDpLlm.Models.Training.Canaries;

/// <summary>What one model gives away.</summary>
/// <param name="Epsilon">Of its training; 0 for a model that never saw the notes, infinite without privacy.</param>
/// <param name="ExposureBits">The median over the planted numbers: 1 by chance, 13.3 at most.</param>
/// <param name="MeanExposureBits">The mean: 1.4 by chance.</param>
/// <param name="Recited">Numbers that the model writes to the last digit from the note's beginning.</param>
/// <param name="Planted">Of so many.</param>
/// <param name="MembershipAuc">
/// How well a note of the training is told from another one by how much its loss fell: the chance that it fell more, 0.5 for guessing.
/// </param>
/// <param name="LossOnOthers">The loss on notes that no training saw, in nats a token: what was learnt of the hospital's way to write.</param>
public sealed record CanaryOutcome(
    double Epsilon, double ExposureBits, double MeanExposureBits, int Recited, int Planted, double MembershipAuc, double LossOnOthers);
