using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace FederatedDpLlm.SecureAggregation.Masking;

/// <summary>
/// The masks of one vector, each added or subtracted. The vector is worked through in pieces that stay in the first-level cache while every keystream
/// passes over them, so a value travels to memory once however many neighbours there are.
/// </summary>
internal sealed class MaskSet : IDisposable
{
    // 32 KiB of lanes; a multiple of four, so that a piece begins at a cipher block.
    private const int PieceLanes = 8192;

    private readonly List<(CounterKeystream Stream, bool Subtract)> _masks = [];

    /// <summary>Adds a mask; the key is copied into the cipher's schedule.</summary>
    public void Add(ReadOnlySpan<byte> key, bool subtract) => _masks.Add((new CounterKeystream(key), subtract));

    /// <summary>Masks signed values and packs them.</summary>
    /// <param name="values">Each in [-2^(valueBits-1), 2^(valueBits-1)).</param>
    /// <param name="valueBits">The width of a value.</param>
    /// <param name="format">The width of a lane.</param>
    /// <param name="packed">Filled.</param>
    /// <param name="workers">How many threads share the work.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range; <paramref name="packed"/> is then wiped.</exception>
    public void Seal(ReadOnlyMemory<int> values, int valueBits, LaneFormat format, Memory<byte> packed, int workers)
    {
        var outOfRange = 0;
        ForEachPiece(values.Length, workers, (start, lanes) =>
        {
            var part = values.Span.Slice(start, lanes.Length);
            if (!AreInRange(part, valueBits))
            {
                Volatile.Write(ref outOfRange, 1);
                return;
            }

            MemoryMarshal.Cast<int, uint>(part).CopyTo(lanes);
            Apply(lanes, start);
            format.Pack(lanes, packed.Span.Slice(start * format.SizeBytes, lanes.Length * format.SizeBytes));
        });
        if (outOfRange != 0)
        {
            CryptographicOperations.ZeroMemory(packed.Span);
            throw new ArgumentOutOfRangeException(nameof(values), $"A value does not fit {valueBits} signed bits; quantise before masking.");
        }
    }

    /// <summary>Applies the masks to a vector of lanes in place.</summary>
    public void ApplyTo(Memory<uint> lanes, int workers) =>
        ForEachWorker(workers, (worker, count) =>
        {
            for (var start = worker * PieceLanes; start < lanes.Length; start += count * PieceLanes)
            {
                Apply(lanes.Span[start..Math.Min(lanes.Length, start + PieceLanes)], start);
            }
        });

    public void Dispose()
    {
        _masks.ForEach(mask => mask.Stream.Dispose());
        _masks.Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool AreInRange(ReadOnlySpan<int> values, int bits)
    {
        var half = 1 << (bits - 1);
        var outside = ~((1 << bits) - 1);
        var i = 0;
        var wrong = Vector256<int>.Zero;
        ref var from = ref MemoryMarshal.GetReference(values);
        for (; i <= values.Length - 8; i += 8)
        {
            wrong |= (Vector256.LoadUnsafe(ref from, (nuint)i) + Vector256.Create(half)) & Vector256.Create(outside);
        }

        var rest = 0;
        for (; i < values.Length; i++)
        {
            rest |= unchecked(values[i] + half) & outside;
        }

        return rest == 0 && wrong == Vector256<int>.Zero;
    }

    private void Apply(Span<uint> lanes, int start)
    {
        var block = (ulong)(start / CounterKeystream.LanesPerBlock);
        foreach (var (stream, subtract) in _masks)
        {
            if (subtract)
            {
                stream.SubtractFrom(lanes, block);
            }
            else
            {
                stream.AddTo(lanes, block);
            }
        }
    }

    private delegate void PieceAction(int start, Span<uint> lanes);

    private static void ForEachPiece(int length, int workers, PieceAction action)
    {
        var pieces = (length + PieceLanes - 1) / PieceLanes;
        ForEachWorker(workers, (worker, count) =>
        {
            var buffer = ArrayPool<uint>.Shared.Rent(PieceLanes);
            for (var piece = worker; piece < pieces; piece += count)
            {
                var start = piece * PieceLanes;
                action(start, buffer.AsSpan(0, Math.Min(PieceLanes, length - start)));
            }

            // Unmasked values passed through it.
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(buffer.AsSpan()));
            ArrayPool<uint>.Shared.Return(buffer);
        });
    }

    private static void ForEachWorker(int asked, Action<int, int> work)
    {
        var workers = Math.Max(1, asked);
        if (workers == 1)
        {
            work(0, 1);
            return;
        }

        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, worker => work(worker, workers));
    }
}
