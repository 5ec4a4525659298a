using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using AesInstructions = System.Runtime.Intrinsics.X86.Aes;

namespace FederatedDpLlm.SecureAggregation.Masking;

/// <summary>
/// AES-128 in counter mode, added to or subtracted from a vector of 32-bit lanes in one pass: the keystream never goes to memory.
/// References: FIPS 197; NIST SP 800-38A, section 6.5 and F.5.1 (vectors); Bonawitz et al., CCS 2017 (masks of the sum).
/// Parameters: 16-byte key used for one vector only; counter block = 8-byte prefix, then the block number, both big-endian; four lanes a block, little-endian.
/// A vector has at most 2^33 lanes, so a key yields at most 2^35 bytes.
/// </summary>
internal sealed unsafe class CounterKeystream : IDisposable
{
    /// <summary>The length of a key.</summary>
    public const int KeySizeBytes = 16;

    /// <summary>Lanes a cipher block covers.</summary>
    public const int LanesPerBlock = 4;

    private const int RoundKeys = 11;
    private const int BlocksInFlight = 8;

    // Aligned and outside the garbage collector's reach, so that wiping it wipes the only copy.
    private readonly Vector128<byte>* _schedule;
    private readonly Aes? _portable;
    private readonly ulong _prefix;
    private int _disposed;

    public CounterKeystream(ReadOnlySpan<byte> key, ulong prefix = 0, bool portable = false)
    {
        _prefix = BinaryPrimitives.ReverseEndianness(prefix);
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeySizeBytes);
        if (AesInstructions.IsSupported && !portable)
        {
            _schedule = (Vector128<byte>*)NativeMemory.AlignedAlloc(RoundKeys * 16, 64);
            Expand(key);
            return;
        }

        _portable = Aes.Create();
        _portable.SetKey(key);
    }

    /// <summary>Adds the keystream from block <paramref name="firstBlock"/> on to <paramref name="lanes"/>, modulo 2^32.</summary>
    public void AddTo(Span<uint> lanes, ulong firstBlock) => Apply(lanes, firstBlock, subtract: false);

    /// <summary>Subtracts it.</summary>
    public void SubtractFrom(Span<uint> lanes, ulong firstBlock) => Apply(lanes, firstBlock, subtract: true);

    public void Dispose()
    {
        _portable?.Dispose();
        if (_schedule != null && Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            CryptographicOperations.ZeroMemory(new Span<byte>(_schedule, RoundKeys * 16));
            NativeMemory.AlignedFree(_schedule);
        }
    }

    private void Apply(Span<uint> lanes, ulong firstBlock, bool subtract)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (_schedule == null)
        {
            Remainder(lanes, firstBlock, subtract);
            return;
        }

        // Up to a multiple of the blocks in flight, then the bulk, then the rest.
        var before = Math.Min(lanes.Length, (int)(unchecked(0 - firstBlock) % BlocksInFlight) * LanesPerBlock);
        Remainder(lanes[..before], firstBlock, subtract);
        lanes = lanes[before..];
        firstBlock += (ulong)(before / LanesPerBlock);
        var done = subtract ? Wide(lanes, firstBlock, new Subtraction()) : Wide(lanes, firstBlock, new Addition());
        Remainder(lanes[done..], firstBlock + (ulong)(done / LanesPerBlock), subtract);
    }

    // Eight independent blocks hide the latency of AESENC (3-4 cycles, one or two a cycle). The first of them is a multiple of eight, so that the others' counters
    // differ from its own in the last byte alone.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Wide<TOperation>(Span<uint> lanes, ulong block, TOperation operation)
        where TOperation : struct, IOperation
    {
        const int Step = BlocksInFlight * LanesPerBlock;
        var keys = _schedule;
        var prefix = _prefix;
        var whole = lanes.Length / Step * Step;
        fixed (uint* start = lanes)
        {
            var end = start + whole;
            for (var at = start; at < end; at += Step)
            {
                var b0 = Counter(prefix, block) ^ keys[0];
                var b1 = b0 ^ LastByte(1);
                var b2 = b0 ^ LastByte(2);
                var b3 = b0 ^ LastByte(3);
                var b4 = b0 ^ LastByte(4);
                var b5 = b0 ^ LastByte(5);
                var b6 = b0 ^ LastByte(6);
                var b7 = b0 ^ LastByte(7);
                Vector128<byte> key;
                for (var round = 1; round < RoundKeys - 1; round++)
                {
                    key = keys[round];
                    b0 = AesInstructions.Encrypt(b0, key);
                    b1 = AesInstructions.Encrypt(b1, key);
                    b2 = AesInstructions.Encrypt(b2, key);
                    b3 = AesInstructions.Encrypt(b3, key);
                    b4 = AesInstructions.Encrypt(b4, key);
                    b5 = AesInstructions.Encrypt(b5, key);
                    b6 = AesInstructions.Encrypt(b6, key);
                    b7 = AesInstructions.Encrypt(b7, key);
                }

                key = keys[RoundKeys - 1];
                operation.Store(at, AesInstructions.EncryptLast(b0, key));
                operation.Store(at + 4, AesInstructions.EncryptLast(b1, key));
                operation.Store(at + 8, AesInstructions.EncryptLast(b2, key));
                operation.Store(at + 12, AesInstructions.EncryptLast(b3, key));
                operation.Store(at + 16, AesInstructions.EncryptLast(b4, key));
                operation.Store(at + 20, AesInstructions.EncryptLast(b5, key));
                operation.Store(at + 24, AesInstructions.EncryptLast(b6, key));
                operation.Store(at + 28, AesInstructions.EncryptLast(b7, key));
                block = unchecked(block + BlocksInFlight);
            }
        }

        return whole;
    }

    private void Remainder(Span<uint> lanes, ulong block, bool subtract)
    {
        const int Blocks = 64;
        Span<byte> stream = stackalloc byte[Blocks * 16];
        for (var done = 0; done < lanes.Length; block += Blocks)
        {
            var part = lanes[done..Math.Min(lanes.Length, done + (Blocks * LanesPerBlock))];
            Generate(stream, block, (part.Length + LanesPerBlock - 1) / LanesPerBlock);
            for (var i = 0; i < part.Length; i++)
            {
                var mask = BinaryPrimitives.ReadUInt32LittleEndian(stream[(i * 4)..]);
                part[i] = unchecked(subtract ? part[i] - mask : part[i] + mask);
            }

            done += part.Length;
        }

        CryptographicOperations.ZeroMemory(stream);
    }

    private void Generate(Span<byte> stream, ulong block, int blocks)
    {
        for (var i = 0; i < blocks; i++)
        {
            var counter = stream.Slice(i * 16, 16);
            BinaryPrimitives.WriteUInt64LittleEndian(counter, _prefix);
            BinaryPrimitives.WriteUInt64BigEndian(counter[8..], block + (ulong)i);
            if (_portable is null)
            {
                var state = Vector128.Create<byte>(counter) ^ _schedule[0];
                for (var round = 1; round < RoundKeys - 1; round++)
                {
                    state = AesInstructions.Encrypt(state, _schedule[round]);
                }

                AesInstructions.EncryptLast(state, _schedule[RoundKeys - 1]).CopyTo(counter);
            }
        }

        // The mode of operation is ours (counter blocks in, keystream out); ECB here is the bare block cipher.
        _portable?.EncryptEcb(stream[..(blocks * 16)], stream[..(blocks * 16)], PaddingMode.None);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Counter(ulong prefix, ulong block) => Vector128.Create(prefix, BinaryPrimitives.ReverseEndianness(block)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> LastByte(byte value) => Vector128.Create(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, value);

    private void Expand(ReadOnlySpan<byte> key)
    {
        _schedule[0] = Vector128.Create(key);
        _schedule[1] = Next(_schedule[0], AesInstructions.KeygenAssist(_schedule[0], 0x01));
        _schedule[2] = Next(_schedule[1], AesInstructions.KeygenAssist(_schedule[1], 0x02));
        _schedule[3] = Next(_schedule[2], AesInstructions.KeygenAssist(_schedule[2], 0x04));
        _schedule[4] = Next(_schedule[3], AesInstructions.KeygenAssist(_schedule[3], 0x08));
        _schedule[5] = Next(_schedule[4], AesInstructions.KeygenAssist(_schedule[4], 0x10));
        _schedule[6] = Next(_schedule[5], AesInstructions.KeygenAssist(_schedule[5], 0x20));
        _schedule[7] = Next(_schedule[6], AesInstructions.KeygenAssist(_schedule[6], 0x40));
        _schedule[8] = Next(_schedule[7], AesInstructions.KeygenAssist(_schedule[7], 0x80));
        _schedule[9] = Next(_schedule[8], AesInstructions.KeygenAssist(_schedule[8], 0x1b));
        _schedule[10] = Next(_schedule[9], AesInstructions.KeygenAssist(_schedule[9], 0x36));
    }

    // FIPS 197, section 5.2: each word is the xor of the words before it and the transformed last word of the previous round key.
    private static Vector128<byte> Next(Vector128<byte> previous, Vector128<byte> assist)
    {
        var words = previous.AsUInt32();
        var shifted = words ^ Vector128.Shuffle(words, Vector128.Create(4u, 0, 1, 2));
        shifted ^= Vector128.Shuffle(shifted, Vector128.Create(4u, 4, 0, 1));
        return (shifted ^ Vector128.Create(assist.AsUInt32()[3])).AsByte();
    }

    private interface IOperation
    {
        void Store(uint* at, Vector128<byte> keystream);
    }

    private readonly struct Addition : IOperation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store(uint* at, Vector128<byte> keystream) => Vector128.Store(Vector128.Load(at) + keystream.AsUInt32(), at);
    }

    private readonly struct Subtraction : IOperation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store(uint* at, Vector128<byte> keystream) => Vector128.Store(Vector128.Load(at) - keystream.AsUInt32(), at);
    }
}
