namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>
/// The sparse-vector technique: any number of threshold tests until <see cref="MostPositives"/> came out above; the negative answers are free.
/// </summary>
/// <remarks>Lyu, Su, Li, arXiv:1603.01699, Algorithm 7 (threshold noise is not drawn again; noisy values are not released): epsilon is the threshold's plus the tests'.</remarks>
public sealed record AboveThresholdEvent : PrivacyEvent
{
    /// <param name="thresholdEpsilon">Spent on the noisy threshold.</param>
    /// <param name="testsEpsilon">Spent on all tests together.</param>
    /// <param name="mostPositives">c, at least 1: testing stops after so many.</param>
    /// <param name="relation">The relation of the tests' sensitivity.</param>
    public AboveThresholdEvent(Epsilon thresholdEpsilon, Epsilon testsEpsilon, int mostPositives, NeighbouringRelation relation)
        : base(relation)
    {
        ThresholdEpsilon = thresholdEpsilon;
        TestsEpsilon = testsEpsilon;
        MostPositives = Require.AtLeast(1, mostPositives);
    }

    /// <summary>Spent on the noisy threshold.</summary>
    public Epsilon ThresholdEpsilon { get; }

    /// <summary>Spent on all tests together.</summary>
    public Epsilon TestsEpsilon { get; }

    /// <summary>How many positive answers end it.</summary>
    public int MostPositives { get; }
}
