using System.Runtime.CompilerServices;
using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Kernels.MachineCode;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>What the machine code of our own is for: products of bytes a nanosecond of Q8_0 weights that lie in cache, beside the managed kernel's with the same bits.</summary>
internal sealed class KernelsClaim : IClaim
{
    private const int Rounds = 9;
    private const int Products = 300_000_000;

    // 0.3 MB of weights: in the second-level cache.
    private const int Outputs = 512;
    private const int Inputs = 576;

    public string Name => "kernels";

    public string Description => "Q8_0 products in cache: our own machine code beside the managed kernel, 1 to 48 rows, one thread.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        if (Quantized8Tiles.Shared is null)
        {
            Console.Error.WriteLine("kernels: this processor or system has no machine code of ours; the managed kernel is all there is.");
            yield break;
        }

        var (ours, managed) = (Packed(Quantized8Tiles.Shared), Packed(null));
        foreach (var rows in new[] { 1, 4, 6, 16, 48 })
        {
            List<double> with = [], without = [];
            for (var round = -1; round < Rounds; round++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var (one, other) = (PerNanosecond(ours, rows), PerNanosecond(managed, rows));
                if (round >= 0)
                {
                    with.Add(one);
                    without.Add(other);
                }
            }

            yield return new Measurement($"{rows} row{(rows > 1 ? "s" : string.Empty)}, {Outputs} x {Inputs}, 1 thread", Median.Of(with), "products/ns", "the managed kernel", Median.Of(without));
        }
    }

    private static Quantized8Matrix Packed(Quantized8Tiles? tiles)
    {
        var matrix = new Quantized8Matrix(Outputs, Inputs, slices: 1, tiles);
        matrix.Fill(new QuantizedTensors(new RandomTensors(), ElementType.Q8_0), "w");
        return matrix;
    }

    // Of the thread's own time. The inputs are made to integers each time, as in the engine.
    private static unsafe double PerNanosecond(Quantized8Matrix matrix, int rows)
    {
        var (x, y) = (new FloatBuffer(rows * Inputs), new FloatBuffer(rows * Outputs));
        new RandomTensors().Read("x", 2, rows * Inputs / 2, x.Span);
        var (times, start) = (Products / (rows * Outputs * Inputs), ThreadTime.Seconds);
        for (var i = 0; i < times; i++)
        {
            matrix.Multiply(rows, x.Pointer, Inputs, y.Pointer, Outputs);
        }

        var nanoseconds = (ThreadTime.Seconds - start) * 1e9;
        GC.KeepAlive(x);
        GC.KeepAlive(y);
        return (double)times * rows * Outputs * Inputs / nanoseconds;
    }
}
