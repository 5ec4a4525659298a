using System.Diagnostics;
using System.Globalization;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.Quantization;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>
/// Clip, round at random, pack: nanoseconds a parameter. The peer is what Flower does with numpy (flwr/common/secure_aggregation/quantization.py: clip, scale,
/// ceil, subtract one where a uniform number says so), run by the system's Python in the same run; without numpy there is no peer.
/// </summary>
internal sealed class QuantizeClaim : IClaim
{
    private const int Length = 1_000_000;

    private const string Flower = """
        import time, numpy as np
        def stochastic_round(arr):
            ret = np.ceil(arr).astype(np.int32)
            rand_arr = np.random.rand(*ret.shape)
            ret[rand_arr < ret - arr] -= 1
            return ret
        def quantize(arr, clipping_range, target_range):
            quantizer = target_range / (2 * clipping_range)
            pre = (np.clip(arr, -clipping_range, clipping_range) + clipping_range) * quantizer
            return stochastic_round(pre)
        values = (np.random.rand(1000000).astype(np.float32) - 0.5) * 0.002
        best = 1e9
        for _ in range(9):
            started = time.thread_time()
            quantize(values, 0.001, 1 << 16)
            best = min(best, time.thread_time() - started)
        print(best)
        """;

    public string Name => "quantize";

    public string Description => "Clip, stochastic rounding and packing, per parameter, one thread, beside Flower's quantisation in numpy.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var random = new SecureRandom();
        var update = new float[Length];
        for (var i = 0; i < Length; i++)
        {
            update[i] = ((i * 7919 % 2001) - 1000) * 1e-6f;
        }

        var values = new int[Length];
        var packed = new byte[3 * Length];
        var format = new LaneFormat(3);
        foreach (var rotate in new[] { false, true })
        {
            var plan = QuantizationPlan.For(new QuantizationTarget
            {
                Dimension = Length, ClipNorm = 1, Rho = new Rho(1), Clients = 100, MinimumSurvivors = 90, RotationSeed = rotate ? new byte[32] : default(ReadOnlyMemory<byte>),
            });
            var quantizer = new UpdateQuantizer(plan);
            var (ours, noisy, peer) = (double.PositiveInfinity, double.PositiveInfinity, (double?)null);
            for (var round = 0; round < 3; round++)
            {
                ours = Math.Min(ours, Best.OfThread(5, () =>
                {
                    quantizer.Round(update, values, random);
                    format.Pack(System.Runtime.InteropServices.MemoryMarshal.Cast<int, uint>(values.AsSpan()), packed);
                }));
                noisy = Math.Min(noisy, Best.OfThread(2, () => quantizer.Quantize(update, values, random)));
                // Flower rotates nothing: there it has no counterpart.
                if (!rotate && await NumpyAsync(cancellationToken) is { } numpy)
                {
                    peer = Math.Min(peer ?? double.PositiveInfinity, numpy);
                }
            }

            var suffix = rotate ? " with rotation, 1 thread" : ", 1 thread";
            yield return new Measurement("clip, round, pack" + suffix, 1e9 / Length * ours, "ns/parameter", peer is null ? null : "Flower, numpy", 1e9 / Length * peer, LowerIsBetter: true);
            yield return new Measurement("clip, round, discrete Gaussian noise" + suffix, 1e9 / Length * noisy, "ns/parameter", LowerIsBetter: true);
        }
    }

    private static async Task<double?> NumpyAsync(CancellationToken cancellationToken)
    {
        foreach (var python in new[] { "/usr/bin/python3", "python3" })
        {
            try
            {
                var start = new ProcessStartInfo(python) { RedirectStandardOutput = true, RedirectStandardError = true };
                start.ArgumentList.Add("-c");
                start.ArgumentList.Add(Flower);
                start.Environment["OMP_NUM_THREADS"] = "1";
                using var process = Process.Start(start)!;
                var errors = process.StandardError.ReadToEndAsync(cancellationToken);
                var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
                await errors;
                await process.WaitForExitAsync(cancellationToken);
                if (double.TryParse(output.Trim(), CultureInfo.InvariantCulture, out var seconds))
                {
                    return seconds;
                }
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // No such Python: the next one.
            }
        }

        return null;
    }
}
