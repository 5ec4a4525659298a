using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Transcripts;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>
/// Two worlds with the same sum and different updates: nothing that the coordinator sees may tell them apart. The battery, per kind of message: equal lengths;
/// a two-sample chi-square of the bytes; for uploads uniformity of every byte of a lane, of the difference between the worlds, of neighbouring bytes' sums,
/// and the correlation of the lanes with the difference of the updates, which is the best linear distinguisher.
/// Chi-square with 255 degrees of freedom exceeds 420 with probability below 1e-9 (Laurent, Massart, 2000, Lemma 1: 255 + 2 sqrt(255 x) + 2x, x = 20.8, is 443;
/// exact tail at 420: 2e-10), a normal number 7 with probability 3e-12: about thirty statistics, so a false alarm in fewer than one run in 10^7.
/// </summary>
public sealed class TwoTranscriptTests
{
    private const int Rounds = 60;
    private const int Length = 400;
    private const double MostChiSquare = 420;

    [Fact]
    public void What_the_coordinator_sees_of_a_client_does_not_depend_on_its_update()
    {
        var (first, second) = (Messages(world: 0), Messages(world: 1));
        Assert.Equal(first.Keys.Order(), second.Keys.Order());
        Assert.Equal(7, first.Count);
        foreach (var kind in first.Keys)
        {
            Assert.Equal(first[kind].Select(message => message.Length), second[kind].Select(message => message.Length));
            Assert.True(TwoSample(Flat(first[kind]), Flat(second[kind])) < MostChiSquare, kind);
        }

        var (one, other) = (Flat(first["upload payload"]), Flat(second["upload payload"]));
        Assert.Empty(UploadAlarms(one, other));
    }

    [Fact]
    public void The_battery_sees_what_weaker_masks_leave()
    {
        // No masks; masks of one bit fewer than the lane, as of a generator that never emits the top half; the same mask in both worlds; masks of the low byte alone.
        var (plain, changed) = (Lanes(0, _ => 0), Lanes(1, _ => 0));
        Assert.NotEmpty(UploadAlarms(plain, changed));
        var random = new TestRandom(11);
        int Fresh() => random.Below(1 << 24);
        Assert.NotEmpty(UploadAlarms(Lanes(0, _ => Fresh() >> 1), Lanes(1, _ => Fresh() >> 1)));
        Assert.NotEmpty(UploadAlarms(Lanes(0, _ => Fresh() & 0xFF), Lanes(1, _ => Fresh() & 0xFF)));
        int[] mask = [.. Enumerable.Range(0, Rounds * Length).Select(_ => Fresh())];
        Assert.NotEmpty(UploadAlarms(Lanes(0, i => mask[i]), Lanes(1, i => mask[i])));
        Assert.Empty(UploadAlarms(Lanes(0, _ => Fresh()), Lanes(1, _ => Fresh())));
    }

    private static List<string> UploadAlarms(byte[] first, byte[] second)
    {
        var alarms = new List<string>();
        foreach (var (name, payload) in new[] { ("first", first), ("second", second), ("difference", [.. first.Zip(second, (a, b) => (byte)(a - b))]) })
        {
            for (var place = 0; place < 3; place++)
            {
                Check($"{name}, byte {place}", ChiSquare(payload.Where((_, i) => i % 3 == place)));
            }

            Check($"{name}, neighbours", ChiSquare(payload.Chunk(2).Select(pair => (byte)(pair[0] + pair[1]))));
        }

        var score = Correlation(first) - Correlation(second);
        if (Math.Abs(score) / Math.Sqrt(2) > 7)
        {
            alarms.Add($"correlation {score}");
        }

        return alarms;

        void Check(string name, double chiSquare)
        {
            if (chiSquare > MostChiSquare)
            {
                alarms.Add($"{name}: {chiSquare}");
            }
        }
    }

    // The sum over lanes of the lane, centred, times the sign of what the worlds differ by; a unit normal number where the lanes are uniform.
    private static double Correlation(byte[] payload)
    {
        var sum = 0.0;
        for (var i = 0; i < payload.Length / 3; i++)
        {
            var lane = payload[3 * i] | (payload[(3 * i) + 1] << 8) | (payload[(3 * i) + 2] << 16);
            var centred = (lane << 8 >> 8) + 0.5;
            sum += centred * (Update(0, 0, i % Length) > Update(1, 0, i % Length) ? 1 : -1);
        }

        return sum / Math.Sqrt(payload.Length / 3.0) / ((1 << 24) / Math.Sqrt(12));
    }

    // Client 0's update and client 1's are exchanged between the worlds: the same sum.
    private static int Update(int world, int client, int place) => client > 1 ? 5 : (client == world ? 1 : -1) * (3000 + (place * 37 % 20000));

    private static byte[] Lanes(int world, Func<int, int> mask)
    {
        var payload = new byte[3 * Rounds * Length];
        for (var i = 0; i < Rounds * Length; i++)
        {
            var lane = unchecked(Update(world, 0, i % Length) + mask(i));
            (payload[3 * i], payload[(3 * i) + 1], payload[(3 * i) + 2]) = ((byte)lane, (byte)(lane >> 8), (byte)(lane >> 16));
        }

        return payload;
    }

    // Of client 0 alone and of one round each kind once: what repeats within a round (digests) would not be independent.
    private static Dictionary<string, List<byte[]>> Messages(int world)
    {
        var messages = new Dictionary<string, List<byte[]>>();
        using var federation = new Federation(4, Length, seed: 40 + world);
        foreach (var (input, client) in federation.Inputs.Select((input, client) => (input, client)))
        {
            for (var i = 0; i < Length; i++)
            {
                input[i] = Update(world, client, i);
            }
        }

        for (var round = 0; round < Rounds; round++)
        {
            var seen = new HashSet<CoordinatorStage>();
            var run = new InProcessRound(federation.Parameters, federation.Identities, federation.Random)
            {
                InputOf = client => federation.Inputs[client],
                Record = entry => Sort(entry, seen.Add(entry.Stage)),
            };
            run.Run(CancellationToken.None);
        }

        return messages;

        void Sort(TranscriptEntry entry, bool first)
        {
            if (!first)
            {
                return;
            }

            // The header's constant bytes and the signature's position are the same in both; bodies and signatures vary.
            Add(entry.Stage + " frame", entry.Frame.ToArray()[41..]);
            if (entry.Stage == CoordinatorStage.Sharings)
            {
                Add("envelope", entry.Attachments[0].ToArray());
            }

            if (entry.Stage == CoordinatorStage.Uploads)
            {
                Add("upload payload", entry.Attachments[0].ToArray());
            }
        }

        void Add(string kind, byte[] bytes)
        {
            messages.TryAdd(kind, []);
            messages[kind].Add(bytes);
        }
    }

    private static byte[] Flat(IEnumerable<byte[]> messages) => [.. messages.SelectMany(message => message)];

    private static double ChiSquare(IEnumerable<byte> bytes)
    {
        var (counts, expected) = Count(bytes);
        return counts.Sum(count => (count - expected) * (count - expected) / expected);
    }

    private static double TwoSample(byte[] first, byte[] second)
    {
        var (ours, _) = Count(first);
        var (theirs, _) = Count(second);
        return ours.Zip(theirs).Where(pair => pair.First + pair.Second > 0).Sum(pair => (pair.First - pair.Second) * (double)(pair.First - pair.Second) / (pair.First + pair.Second));
    }

    private static (int[] Counts, double Expected) Count(IEnumerable<byte> bytes)
    {
        var counts = new int[256];
        var total = 0;
        foreach (var one in bytes)
        {
            counts[one]++;
            total++;
        }

        return (counts, total / 256.0);
    }
}
