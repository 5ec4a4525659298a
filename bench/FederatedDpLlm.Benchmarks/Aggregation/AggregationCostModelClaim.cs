using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.SecretSharing;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>
/// What a round costs as a formula of clients n, degree k, parameters d and the dropped fraction, with constants measured in the same run; held against
/// measured rounds, then taken where this machine cannot go.
/// </summary>
internal sealed class AggregationCostModelClaim : IClaim
{
    private const double Dropped = 0.1;
    private const int Calls = 200;

    public string Name => "aggregation-cost-model";

    public string Description => "The cost model of the mask mode against measured rounds, and its word on n = 1,000 and 10,000 with d up to 10^9 (one core).";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        var constants = Constants.Measure();
        foreach (var (clients, length) in new[] { (16, 3_000_000), (64, 100_000), (100, 1_000_000) })
        {
            using var round = new MeasuredRound(clients, length, dropped: (int)(clients * Dropped));
            round.Run(workers: 1, cancellationToken);
            var model = new Model(constants, clients, round.Parameters.Sharing, length);
            var whole = round.ClientSeconds.Where(stages => stages.All(stage => stage > 0)).Select(stages => stages.Sum()).Order().ToList();
            yield return new Measurement($"client, n={clients}, d={length}", 1000 * whole[whole.Count / 2], "ms", "the model", 1000 * model.Client, LowerIsBetter: true);
            yield return new Measurement($"sharings taken, n={clients}", 1000 * round.ReceiveSharingSeconds, "ms", "the model", 1000 * model.Sharings, LowerIsBetter: true);
            yield return new Measurement($"unmasking, n={clients}, d={length}", 1000 * round.UnmaskThreadSeconds, "ms", "the model", 1000 * model.Unmask, LowerIsBetter: true);
        }

        foreach (var (clients, length) in new[] { (1000, 100_000_000L), (1000, 1_000_000_000L), (10_000, 100_000_000L), (10_000, 1_000_000_000L) })
        {
            var sharing = SharingParameters.FindHarary(clients, 0.1, Dropped)!;
            var model = new Model(constants, clients, sharing, length);
            var setting = $"n={clients}, k={sharing.Neighbours}, d={length}";
            yield return new Measurement("model: client, " + setting, model.Client, "s", LowerIsBetter: true);
            yield return new Measurement("model: sharings taken, " + setting, model.Sharings, "s", LowerIsBetter: true);
            yield return new Measurement("model: uploads taken, " + setting, model.Uploads, "s", LowerIsBetter: true);
            yield return new Measurement("model: unmasking, " + setting, model.Unmask, "s", LowerIsBetter: true);
        }
    }

    private sealed record Constants(double Verify, double KeyPair, double Encapsulate, double Decapsulate, double Commit, double Check, double Field, double MaskBytes, double HashBytes, double AddBytes)
    {
        public static Constants Measure()
        {
            using var random = new SecureRandom();
            using var pair = new HybridKeyPair(new byte[32]);
            using var identity = new HospitalIdentity(new byte[32]);
            var (ciphertext, shared, coins, message) = (new byte[HybridKeyPair.CiphertextSizeBytes], new byte[32], new byte[64], new byte[2500]);
            HybridKeyPair.TryEncapsulate(pair.PublicKey, coins, ciphertext, shared);
            var signature = identity.Sign(message);
            var scalar = Scalar.Random(random);
            var element = scalar * GroupElement.SecondGenerator;
            var encoded = new byte[GroupElement.SizeBytes];
            element.CopyTo(encoded);
            var (lanes, payload) = (new uint[1_000_000], new byte[3_000_000]);
            using var masks = new MaskSet();
            masks.Add(new byte[CounterKeystream.KeySizeBytes], subtract: false);
            return new Constants(
                Each(() => HospitalIdentity.Verify(identity.PublicKey.Span, message, signature)),
                Each(() => new HybridKeyPair(coins.AsSpan(0, 32)).Dispose()),
                Each(() => HybridKeyPair.TryEncapsulate(pair.PublicKey, coins, ciphertext, shared)),
                Each(() => pair.TryDecapsulate(ciphertext, shared)),
                Each(() => ShareCommitments.Commit(scalar, scalar)),
                Each(() =>
                {
                    GroupElement.TryRead(encoded, out var read);
                    _ = element + (scalar * read);
                }),
                Each(() => _ = (scalar * scalar) + scalar),
                4e6 / Best.OfThread(9, () => masks.ApplyTo(lanes, 1)),
                3e6 / Best.OfThread(9, () => SHA256.HashData(payload)),
                3e6 / Best.OfThread(9, () => new LaneFormat(3).AddTo(lanes, payload)));
        }

        private static double Each(Action operation) => Best.OfThread(5, () =>
        {
            for (var i = 0; i < Calls; i++)
            {
                operation();
            }
        }) / Calls;
    }

    // Field: a step of Horner's rule, in evaluating the four polynomials of a dealer, the word that checks them, and in interpolating a secret. Signatures: everybody's advertisement, the neighbours' sharings and confirmations. Per neighbour: a channel secret each way, a mask secret one way; two
    // shares dealt and two checked. Masks: the client's own and one per neighbour; the coordinator makes a mask per survivor, and one per edge to a dropped client.
    private sealed record Model(Constants Cost, int Clients, SharingParameters Sharing, long Length)
    {
        private double Neighbours => Sharing.Neighbours;

        private double MaskSeconds => 4.0 * Length / Cost.MaskBytes;

        private double PayloadBytes => Length * (double)LaneFormat.For(16 + RoundParameters.BitsFor(Clients)).SizeBytes;

        public double Client =>
            ((Clients + (2 * Neighbours)) * Cost.Verify) + (4 * Neighbours * Sharing.Threshold * Cost.Field) + (1.5 * Neighbours * (Cost.Encapsulate + Cost.Decapsulate)) + (4 * Neighbours * Cost.Commit)
            + ((Neighbours + 1) * MaskSeconds) + (PayloadBytes / Cost.HashBytes);

        // Two sharings of a dealer: every commitment is decoded and, with a weight, added to the sum that has to vanish.
        public double Sharings => Clients * (Cost.Verify + (2 * (Neighbours + 1) * (Cost.Check + ((Neighbours + 1 - Sharing.Threshold) * Cost.Field))));

        public double Uploads => Clients * (1 - Dropped) * (Cost.Verify + (PayloadBytes / Cost.HashBytes) + (PayloadBytes / Cost.AddBytes));

        public double Unmask
        {
            get
            {
                var survivors = Clients * (1 - Dropped);
                var edges = Clients * Dropped * Neighbours * (1 - Dropped);
                return ((survivors + edges) * MaskSeconds) + (Clients * (Cost.Commit + (1.0 / 3 * Sharing.Threshold * Sharing.Threshold * Cost.Field))) + (Clients * Dropped * Cost.KeyPair) + (edges * (Cost.Encapsulate + Cost.Decapsulate) / 2);
            }
        }
    }
}
