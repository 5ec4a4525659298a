using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>Two worlds with the same sum and different updates: nothing that the coordinator sees may tell them apart, by <see cref="TranscriptBattery"/>; and what weaker variants leave, it sees.</summary>
public sealed class TwoTranscriptTests
{
    [Fact]
    public void Nothing_that_the_coordinator_of_a_mask_round_with_a_dropout_sees_tells_updates_of_one_sum_apart_and_weaker_masks_do()
    {
        var (first, second) = Worlds(AggregationMode.Mask, "advertisement", "confirmation", "envelope", "seed share", "self-mask share", "sharing", "unmasking's signature", "upload", "upload header");

        // No masks; masks of one bit fewer than the lane, as of a generator that never emits the top half; masks of the low byte alone; one mask in both worlds.
        var random = new TestRandom(11);
        int Fresh() => random.Below(1 << 24);
        Assert.NotEmpty(Masked(_ => 0));
        Assert.NotEmpty(Masked(_ => Fresh() >> 1));
        Assert.NotEmpty(Masked(_ => Fresh() & 0xFF));
        int[] mask = [.. Enumerable.Range(0, 4 * 60 * first.Length).Select(_ => Fresh())];
        Assert.NotEmpty(Masked(i => mask[i]));
        Assert.Empty(Masked(_ => Fresh()));

        List<string> Masked(Func<int, int> maskAt) => TranscriptBattery.UploadAlarms(first.With("upload", Lanes(0, maskAt)), second.With("upload", Lanes(1, maskAt)));

        Func<byte[], int, byte[]> Lanes(int world, Func<int, int> maskAt) => (_, message) =>
        {
            var payload = new byte[3 * first.Length];
            for (var i = 0; i < first.Length; i++)
            {
                var lane = unchecked(WorldTranscripts.Update(world, message % 4, i) + maskAt((message * first.Length) + i));
                (payload[3 * i], payload[(3 * i) + 1], payload[(3 * i) + 2]) = ((byte)lane, (byte)(lane >> 8), (byte)(lane >> 16));
            }

            return payload;
        };
    }

    [Fact]
    public void Nothing_that_the_coordinator_of_a_homomorphic_round_with_a_dropout_sees_tells_updates_of_one_sum_apart_and_bare_keys_and_errors_do()
    {
        var (first, second) = Worlds(
            AggregationMode.Homomorphic, "advertisement", "confirmation", "envelope", "seed share", "self-mask share", "sharing", "unmasking's signature", "upload", "upload header");
        AssertBareErrorsAreSeen(first, second);

        // Keys that travel without masks: 16-bit lanes of small numbers before the ciphertext.
        var random = new TestRandom(12);
        byte[] Bare(byte[] payload, int message)
        {
            var changed = payload.ToArray();
            foreach (ref var lane in MemoryMarshal.Cast<byte, short>(changed.AsSpan(0, changed.Length % ResidueFormat.ElementSizeBytes)))
            {
                lane = (short)(random.Below(19) - 9);
            }

            return changed;
        }

        Assert.Contains(TranscriptBattery.UploadAlarms(first.With("upload", Bare), second.With("upload", Bare)), alarm => alarm.Contains("key byte"));
    }

    [Fact]
    public void Nothing_that_the_coordinator_of_a_committee_round_with_a_dropout_sees_tells_updates_of_one_sum_apart_and_bare_errors_do()
    {
        var (first, second) = Worlds(AggregationMode.Committee, "advertisement", "answer", "confirmation", "envelope", "sharing", "unmasking's signature", "upload", "upload header");
        AssertBareErrorsAreSeen(first, second);
    }

    private static (WorldTranscripts First, WorldTranscripts Second) Worlds(AggregationMode mode, params string[] kinds)
    {
        var (first, second) = (new WorldTranscripts(mode, 0).Run(), new WorldTranscripts(mode, 1).Run());
        Assert.Equal(kinds, first.Messages.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(first.Sums, second.Sums);
        Assert.NotEqual(WorldTranscripts.Update(0, 0, 0), WorldTranscripts.Update(1, 0, 0));
        Assert.Empty(TranscriptBattery.Alarms(first, second));

        // A hash of the update that nothing is mixed into is seen in whatever kind of message it stands, and so is a length that depends on the update.
        foreach (var kind in kinds)
        {
            Assert.NotEmpty(TranscriptBattery.KindAlarms(kind, first.With(kind, Leaking), second.With(kind, Leaking)));
            Assert.Contains($"{kind}: lengths", TranscriptBattery.KindAlarms(kind, first, second.With(kind, (message, i) => i == 0 ? message[1..] : message)));
        }

        return (first, second);

        static byte[] Leaking(byte[] message, int i)
        {
            var changed = message.ToArray();
            SHA256.HashData(BitConverter.GetBytes(WorldTranscripts.Update(0, 0, 0))).CopyTo(changed, (message.Length - 32) / 2);
            return changed;
        }
    }

    // Ciphertexts without a s, as if the key were known: every byte still looks uniform, but for whoever guesses the update only the small errors are left.
    private static void AssertBareErrorsAreSeen(WorldTranscripts first, WorldTranscripts second)
    {
        var alarms = TranscriptBattery.UploadAlarms(first.With("upload", WithoutKey(0)), second.With("upload", WithoutKey(1)));
        Assert.Contains(alarms, alarm => alarm.StartsWith("world 0 under world 0", StringComparison.Ordinal));
        Assert.Contains(alarms, alarm => alarm.StartsWith("world 1 under world 1", StringComparison.Ordinal));

        Func<byte[], int, byte[]> WithoutKey(int world) => (payload, message) =>
        {
            var layout = new SlotLayout(16, WorldTranscripts.Clients);
            using var encryption = new KeyAdditiveEncryption(layout, new byte[16], SHA256.HashData([(byte)world, (byte)message]));
            var ciphertext = new byte[ResidueFormat.ElementSizeBytes];
            encryption.Encrypt(Enumerable.Range(0, first.Length).Select(i => WorldTranscripts.Update(world, message % 4, i)).ToArray(), ciphertext, 1);
            using var element = RingElement.TryRead(ciphertext)!;
            using var stream = new KeystreamWords(new byte[16]);
            using var uniform = RingElement.Uniform(stream, 0);
            using var key = RingElement.Transformed(encryption.Key, RingArithmetic.Fastest);
            using var product = new RingElement();
            for (var prime = 0; prime < Ring.Primes; prime++)
            {
                RingArithmetic.Fastest.MultiplyAdd(product[prime], uniform[prime], key[prime], Ring.Moduli[prime]);
                RingArithmetic.Fastest.ScaledDifference(element[prime], element[prime], product[prime], 1, Ring.Moduli[prime]);
            }

            return [.. payload[..^ResidueFormat.ElementSizeBytes], .. element.ToBytes()];
        };
    }
}
