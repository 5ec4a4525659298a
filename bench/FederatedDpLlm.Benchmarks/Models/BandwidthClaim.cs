using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>How much of the memory's speed decoding uses: the bytes of weights that a token reads, against plainly reading a buffer of that size.</summary>
internal sealed class BandwidthClaim : IClaim
{
    private const int Rounds = 5;
    private const int Tokens = 12;

    public string Name => "bandwidth";

    public string Description => "Weight bytes per second in Q8_0 decoding of the 1.2B shape, beside plainly reading as many, 1 and 2 threads.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        using var model = ShapedModel.Large(ElementType.Q8_0);
        var bytes = new FileInfo(model.File).Length;
        foreach (var threads in new[] { 1, 2 })
        {
            var engine = model.Load(threads);
            var (decoded, read) = (new List<double>(), new List<double>());
            using var batch = engine.OpenBatch([[1, 2, 3]], cancellationToken);
            batch.Append(4, cancellationToken);
            for (var round = 0; round < Rounds; round++)
            {
                var clock = Stopwatch.StartNew();
                for (var token = 0; token < Tokens; token++)
                {
                    batch.Append(token, cancellationToken);
                }

                decoded.Add(Tokens * bytes / clock.Elapsed.TotalSeconds / 1e9);
                read.Add(PlainRead(bytes, threads) / 1e9);
            }

            yield return new Measurement(
                $"1.2B Q8_0, {threads} thread{(threads > 1 ? "s" : string.Empty)}", Median.Of(decoded), "GB/s", "plain reading with 512-bit loads", Median.Of(read));
        }
    }

    // Bytes per second of summing a buffer that no cache holds.
    private static unsafe double PlainRead(long bytes, int threads)
    {
        var length = (nuint)(bytes / 4096 * 4096);
        var buffer = (byte*)NativeMemory.AlignedAlloc(length, 4096);
        try
        {
            NativeMemory.Fill(buffer, length, 1);
            HugePages.AskFor(buffer, (nint)length);
            var sums = new int[threads];
            var clock = Stopwatch.StartNew();
            Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread => sums[thread] = Sum(buffer + thread * (long)length / threads, (long)length / threads));
            var seconds = clock.Elapsed.TotalSeconds;
            GC.KeepAlive(sums);
            return length / seconds;
        }
        finally
        {
            NativeMemory.AlignedFree(buffer);
        }
    }

    private static unsafe int Sum(byte* from, long length)
    {
        var (a, b, c, d) = (Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero);
        for (var end = from + length - 255; from < end; from += 256)
        {
            a += Vector512.Load((int*)from);
            b += Vector512.Load((int*)from + 16);
            c += Vector512.Load((int*)from + 32);
            d += Vector512.Load((int*)from + 48);
        }

        return Vector512.Sum(a + b + c + d);
    }
}
