using System.Numerics;
using System.Runtime.InteropServices;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>
/// The statistics that would tell two worlds' messages apart. Of every kind of message: equal numbers and lengths, and a two-sample chi-square of the bytes (of
/// their halves where there are few), and no eight bytes that come again in the next round, where the updates are the same. Of uploads besides: uniformity of every
/// byte place of a lane or residue in either world and of the worlds' difference, and
/// of neighbouring bytes' sums; then the best guess at what they hide: the correlation of masked lanes with the difference of the updates, and what is left of a
/// ciphertext when a world's update is taken out of it, divided by the scale of the errors.
/// A chi-square with d degrees of freedom exceeds d + 2 sqrt(20.8 d) + 41.6 with probability below 1e-9 (Laurent, Massart, 2000, Lemma 1, x = 20.8), a normal
/// number 7 with probability 3e-12: with at most 60 statistics a mode, and 2^-64 for each eight bytes compared, a false alarm in fewer than two
/// runs of the three modes in 10^7.
/// </summary>
internal static class TranscriptBattery
{
    private const int FewBytes = 25_600;
    private static readonly string[] PlaceNames =
        ["lane byte 0", "lane byte 1", "lane byte 2", "key byte 0", "key byte 1", .. Enumerable.Range(0, 7).Select(place => $"residue byte {place}")];

    /// <summary>What of all that the two worlds show is not what chance gives; nothing where they cannot be told apart.</summary>
    public static List<string> Alarms(WorldTranscripts first, WorldTranscripts second)
    {
        var alarms = new List<string>();
        Assert.Equal(first.Messages.Keys.Order(), second.Messages.Keys.Order());
        foreach (var kind in first.Messages.Keys)
        {
            alarms.AddRange(KindAlarms(kind, first, second));
        }

        return [.. alarms, .. UploadAlarms(first, second)];
    }

    /// <summary>What is looked at in uploads besides.</summary>
    public static List<string> UploadAlarms(WorldTranscripts first, WorldTranscripts second)
    {
        var alarms = new List<string>();
        byte[][] difference = [.. first.Uploads.Zip(second.Uploads, (a, b) => a.Zip(b, (x, y) => (byte)(x - y)).ToArray())];
        Uniform(alarms, "first world's uploads", first.Mode, first.Uploads);
        Uniform(alarms, "second world's uploads", first.Mode, second.Uploads);
        Uniform(alarms, "uploads' difference", first.Mode, difference);
        if (first.Mode == AggregationMode.Mask)
        {
            var score = (Correlation(first) - Correlation(second)) / Math.Sqrt(2);
            Report(alarms, "correlation", Math.Abs(score), 7);
            return alarms;
        }

        foreach (var world in new[] { first, second })
        {
            Report(alarms, $"world {world.World} under world 0's update", Remainder(world, guess: 0), Most(255));
            Report(alarms, $"world {world.World} under world 1's update", Remainder(world, guess: 1), Most(255));
        }

        return alarms;
    }

    /// <summary>What is looked at in every kind of message.</summary>
    public static List<string> KindAlarms(string kind, WorldTranscripts first, WorldTranscripts second)
    {
        var alarms = new List<string>();
        var (one, other) = (first.Messages[kind], second.Messages[kind]);
        if (!one.Select(message => message.Length).SequenceEqual(other.Select(message => message.Length)))
        {
            alarms.Add($"{kind}: lengths");
        }

        TwoSample(alarms, kind, one, other);
        Repeats(alarms, kind, one, first.Rounds);
        Repeats(alarms, kind, other, second.Rounds);
        return alarms;
    }

    private static double Most(int degrees) => degrees + (2 * Math.Sqrt(20.8 * degrees)) + 41.6;

    private static void Report(List<string> alarms, string name, double statistic, double most)
    {
        if (!(statistic <= most))
        {
            alarms.Add($"{name}: {statistic}");
        }
    }

    private static void TwoSample(List<string> alarms, string kind, List<byte[]> first, List<byte[]> second)
    {
        if (first.Sum(message => message.Length) >= FewBytes)
        {
            Compare(kind, one => one, 256);
            return;
        }

        Compare(kind + ", upper halves", one => one >> 4, 16);
        Compare(kind + ", lower halves", one => one & 15, 16);

        void Compare(string name, Func<byte, int> cell, int cells)
        {
            var (ours, theirs) = (Count(first, cell, cells), Count(second, cell, cells));
            var statistic = 0.0;
            for (var i = 0; i < cells; i++)
            {
                statistic += ours[i] + theirs[i] == 0 ? 0 : (ours[i] - theirs[i]) * (double)(ours[i] - theirs[i]) / (ours[i] + theirs[i]);
            }

            Report(alarms, name, statistic, Most(cells - 1));
        }
    }

    // The updates are the same in every round of a world: what follows from them alone would be the same eight bytes at the same place of the next round's message.
    private static void Repeats(List<string> alarms, string kind, List<byte[]> messages, int rounds)
    {
        var each = messages.Count / rounds;
        for (var i = each; i < messages.Count; i++)
        {
            var words = MemoryMarshal.Cast<byte, ulong>(messages[i].AsSpan(0, messages[i].Length & ~7));
            var before = MemoryMarshal.Cast<byte, ulong>(messages[i - each].AsSpan(0, messages[i - each].Length & ~7));
            for (var at = 0; at < Math.Min(words.Length, before.Length); at++)
            {
                if (words[at] == before[at])
                {
                    alarms.Add($"{kind}: the same eight bytes at {8 * at} in two rounds");
                    return;
                }
            }
        }
    }

    private static void Uniform(List<string> alarms, string name, AggregationMode mode, IReadOnlyList<byte[]> uploads)
    {
        var places = PlaceNames.Select(_ => new int[256]).ToArray();
        var neighbours = new int[256];
        foreach (var upload in uploads)
        {
            var lanes = mode == AggregationMode.Mask ? upload.Length : upload.Length % ResidueFormat.ElementSizeBytes;
            for (var i = 0; i < upload.Length; i++)
            {
                places[i >= lanes ? ResiduePlace((i - lanes) % 200) : mode == AggregationMode.Mask ? i % 3 : 3 + (i % 2)][upload[i]]++;
            }

            for (var i = 1; i < upload.Length; i += 2)
            {
                neighbours[(byte)(upload[i] + upload[i - 1])]++;
            }
        }

        for (var place = 0; place < places.Length; place++)
        {
            if (places[place].Any(count => count > 0))
            {
                Report(alarms, $"{name}, {PlaceNames[place]}", OneSample(places[place]), Most(255));
            }
        }

        Report(alarms, $"{name}, neighbours", OneSample(neighbours), Most(255));
    }

    // As ResidueFormat writes thirty-two residues: all their lowest 32 bits, their next 16, their last two.
    private static int ResiduePlace(int i) => i < 128 ? 5 + (i % 4) : i < 192 ? 9 + (i % 2) : 11;

    private static double OneSample(int[] counts)
    {
        var expected = counts.Sum(count => (double)count) / counts.Length;
        return counts.Sum(count => (count - expected) * (count - expected) / expected);
    }

    private static int[] Count(List<byte[]> messages, Func<byte, int> cell, int cells)
    {
        var bytes = new int[256];
        foreach (var message in messages)
        {
            foreach (var one in message)
            {
                bytes[one]++;
            }
        }

        var counts = new int[cells];
        for (var i = 0; i < bytes.Length; i++)
        {
            counts[cell((byte)i)] += bytes[i];
        }

        return counts;
    }

    // The sum over lanes of client 0's lane, centred, times the sign of what the worlds differ by; a unit normal number where the lanes are uniform.
    private static double Correlation(WorldTranscripts world)
    {
        var (sum, lanes) = (0.0, 0);
        foreach (var payload in world.UploadsOfFirst)
        {
            for (var i = 0; i < payload.Length / 3; i++, lanes++)
            {
                var lane = payload[3 * i] | (payload[(3 * i) + 1] << 8) | (payload[(3 * i) + 2] << 16);
                sum += ((lane << 8 >> 8) + 0.5) * (WorldTranscripts.Update(0, 0, i) > WorldTranscripts.Update(1, 0, i) ? 1 : -1);
            }
        }

        return sum / Math.Sqrt(lanes) / ((1 << 24) / Math.Sqrt(12));
    }

    // c = a s + T e + m: (c - m) / T modulo the first prime is e where nothing hides it, and uniform where a s does. Chi-square of its place among 256 equal parts.
    private static double Remainder(WorldTranscripts world, int guess)
    {
        var (modulus, layout) = (Ring.Moduli[0], new SlotLayout(16, WorldTranscripts.Clients));
        var p = modulus.Value;
        var inverseScale = (ulong)BigInteger.ModPow(BigInteger.One << layout.MessageBits, p - 2, p);
        var messages = new ulong[Ring.Degree];
        for (var i = 0; i < messages.Length * layout.Slots; i++)
        {
            var value = (ulong)(WorldTranscripts.Update(guess, 0, i) + (1 << 15));
            var place = (ulong)BigInteger.ModPow(2, i / messages.Length * layout.SlotBits, p);
            messages[i % messages.Length] = (ulong)((((UInt128)value * place) + messages[i % messages.Length]) % p);
        }

        var counts = new int[256];
        using var element = new RingElement();
        foreach (var payload in world.UploadsOfFirst)
        {
            Assert.True(ResidueFormat.TryRead(payload.AsSpan(payload.Length - ResidueFormat.ElementSizeBytes, ResidueFormat.PlaneSizeBytes), modulus, element[0]));
            RingArithmetic.Fastest.InverseTransform(element[0], modulus);
            for (var i = 0; i < messages.Length; i++)
            {
                var coefficient = (ulong)((long)element[0][i] + (long)p) % p;
                var remainder = (UInt128)((coefficient + p - messages[i]) % p) * inverseScale % p;
                counts[(int)(remainder * 256 / p)]++;
            }
        }

        return OneSample(counts);
    }
}
