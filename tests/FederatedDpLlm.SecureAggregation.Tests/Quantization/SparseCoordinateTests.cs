using FederatedDpLlm.SecureAggregation.Quantization;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Tests.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Quantization;

/// <summary>Coordinates that one hospital alone has something in (a rare word's row, say): a secret sum does not hide them (arXiv:2508.04285), the planned noise does.</summary>
public sealed class SparseCoordinateTests
{
    private const int Dimension = 3000;
    private const int FirstSparse = 1000;

    [Fact]
    public void What_one_hospital_alone_fills_stands_in_a_bare_sum_as_it_is_and_is_drowned_in_the_planned_noise()
    {
        var plan = QuantizationPlan.For(QuantizationTests.Target(Dimension, 6, 6, 0, 16, rotate: false, rho: 2));
        using var federation = new Federation(6, Dimension);
        var updates = Enumerable.Range(0, 6).Select(client => QuantizationTests.Update(Dimension, client, norm: 0.9)).ToArray();
        Array.ForEach(updates[1..], update => update.AsSpan(FirstSparse).Clear());

        // Naive: rounded, and summed in secret without noise.
        var rounded = updates.Select(update =>
        {
            var values = new int[Dimension];
            Assert.Null(new UpdateQuantizer(plan).Round(update, values, federation.Random));
            return values;
        }).ToArray();
        Assert.Equal(rounded[0][FirstSparse..], Sum(client => rounded[client])[FirstSparse..]);
        Assert.True(rounded[0].AsSpan(FirstSparse).ContainsAnyExcept(0));

        // Ours: six hospitals' noise stands on every coordinate, whoever has something there.
        var noisy = Sum(client => QuantizationTests.Quantized(plan, updates[client], federation.Random));
        var step = Math.ScaleB(1, plan.StepExponent);
        var errors = noisy[FirstSparse..].Zip(updates[0][FirstSparse..], (value, own) => value - (own / step)).ToArray();

        // Rounding adds at most a quarter a hospital. Chi-square with 2,000 degrees of freedom leaves [1500, 2550] with probability below 1e-11 (Laurent, Massart,
        // 2000, Lemma 1: deviations of 2 sqrt(dx) + 2x with x = 28).
        Assert.InRange(errors.Sum(error => error * error) / (6 * ((plan.Sigma * plan.Sigma) + 0.25)), 1500, 2550);
        Assert.True(Math.Sqrt(6) * plan.Sigma * step > 5 * updates[0].Max(Math.Abs));

        int[] Sum(Func<int, ReadOnlyMemory<int>> input)
        {
            var round = new InProcessRound(QuantizationTests.ParametersOf(federation, plan), federation.Identities, federation.Random) { InputOf = input };
            return round.Run(CancellationToken.None).Required.Values.ToArray();
        }
    }
}
