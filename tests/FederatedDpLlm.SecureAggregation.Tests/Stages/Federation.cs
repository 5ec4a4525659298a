using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>Hospitals with their keys and updates, and the plaintext sum that every mode must give.</summary>
internal sealed class Federation : IDisposable
{
    private readonly TestRandom _random;

    public Federation(int clients, int length, AggregationMode mode = AggregationMode.Mask, int? minimumSurvivors = null, long seed = 1, int valueBits = 16, long round = 1)
    {
        _random = new TestRandom(seed);
        Identities = [.. Enumerable.Range(0, clients).Select(_ => new HospitalIdentity(Bytes()))];
        Parameters = ParametersOf(mode, length, valueBits, minimumSurvivors, round);
        var half = 1 << (valueBits - 1);
        Inputs = [.. Enumerable.Range(0, clients).Select(_ => Enumerable.Range(0, length).Select(_ => _random.Below(2 * half) - half).ToArray())];
    }

    public HospitalIdentity[] Identities { get; }

    public RoundParameters Parameters { get; }

    public int[][] Inputs { get; }

    public TestRandom Random => _random;

    public RoundParameters ParametersOf(AggregationMode mode, int length, int valueBits = 16, int? minimumSurvivors = null, long round = 1, byte model = 1) =>
        new("test", round, mode, length, valueBits, [.. Identities.Select(identity => identity.PublicKey)], SHA256.HashData([model]), SHA256.HashData([2]), minimumSurvivors, acceptUnreviewedCryptography: true);

    public AggregationClient Client(int number) => new(Parameters, number, Identities[number], _random);

    public int[] SumOf(IEnumerable<int> survivors)
    {
        var sum = new int[Parameters.VectorLength];
        foreach (var survivor in survivors)
        {
            for (var i = 0; i < sum.Length; i++)
            {
                sum[i] += Inputs[survivor][i];
            }
        }

        return sum;
    }

    public InProcessRound Round(Func<int, DropoutStage>? dropout = null, bool restart = false, int workers = 1, Action<RoundProgress>? observe = null) => new(Parameters, Identities, _random)
    {
        Observe = observe ?? (_ => { }),
        InputOf = number => Inputs[number],
        DropoutOf = dropout ?? (_ => DropoutStage.Never),
        RestartClients = restart,
        Workers = workers,
    };

    /// <summary>What must come of a dropout pattern, said independently of the protocol: the exact sum of those who uploaded, or a named refusal.</summary>
    public void AssertOutcome(IReadOnlyList<DropoutStage> pattern, bool restart = false) =>
        AssertOutcome(pattern, Round(client => pattern[client], restart).Run(CancellationToken.None));

    /// <summary>The same of a round that was run already.</summary>
    public void AssertOutcome(IReadOnlyList<DropoutStage> pattern, Outcome<AggregateSum> outcome)
    {
        int Staying(DropoutStage stage, int clients) => pattern.Take(clients).Count(one => one == DropoutStage.Never || one > stage);
        var (threshold, minimum) = (Parameters.Sharing.Threshold, Parameters.MinimumSurvivors);
        var dealers = Parameters.Dealers;
        var enough = Staying(DropoutStage.BeforeUpload, pattern.Count) >= minimum
            && Staying(DropoutStage.BeforeUpload, dealers) >= threshold
            && Staying(DropoutStage.BeforeUnmasking, dealers) >= threshold;
        Assert.Equal(enough, outcome.IsAccepted);
        if (enough)
        {
            var survivors = Enumerable.Range(0, pattern.Count).Where(client => pattern[client] == DropoutStage.Never || pattern[client] > DropoutStage.BeforeUpload).ToArray();
            Assert.Equal(survivors, outcome.Required.Survivors);
            Assert.Equal(SumOf(survivors), outcome.Required.Values.ToArray());
            Assert.Empty(outcome.Required.Blamed);
        }
        else
        {
            Assert.Contains(outcome.Refusal!.Code, new[] { RefusalCode.TooFewSurvivors, RefusalCode.BelowThreshold });
        }
    }

    public void Dispose() => Array.ForEach(Identities, identity => identity.Dispose());

    private byte[] Bytes()
    {
        var bytes = new byte[32];
        _random.Fill(bytes);
        return bytes;
    }
}
