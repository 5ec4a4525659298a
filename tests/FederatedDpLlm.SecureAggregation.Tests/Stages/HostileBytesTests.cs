using FederatedDpLlm.SecureAggregation.Fuzz;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

public sealed class HostileBytesTests
{
    private static readonly Lazy<IReadOnlyList<Decoder>> All = new(Decoders.All);

    public static TheoryData<string> Names => [.. All.Value.Select(decoder => decoder.Name)];

    [Theory, MemberData(nameof(Names))]
    public void No_decoder_throws_on_changed_bytes_and_what_it_accepts_it_writes_back(string name)
    {
        var decoder = All.Value.Single(one => one.Name == name);
        Assert.True(decoder.Check(decoder.Honest));
        var random = new TestRandom(20);
        for (var i = 0; i < 400; i++)
        {
            decoder.Check(Mutate(decoder.Honest, i % 6, random));
        }

        RandomStrings(decoder, 10_000);
    }

    // A million strings a decoder: lengths around what it expects, and its own first bytes half of the time, so that they get past the first check.
    [Theory, MemberData(nameof(Names)), Trait(TestLength.Name, TestLength.Ci)]
    public void No_decoder_throws_on_a_million_random_strings(string name) => RandomStrings(All.Value.Single(one => one.Name == name), 1_000_000);

    [Theory, MemberData(nameof(Names)), Trait(TestLength.Name, TestLength.Long)]
    public void No_decoder_throws_on_fifty_thousand_changed_encodings(string name)
    {
        var decoder = All.Value.Single(one => one.Name == name);
        var random = new TestRandom(21);
        for (var i = 0; i < 50_000; i++)
        {
            decoder.Check(Mutate(decoder.Honest, i % 6, random));
        }
    }

    // What the fuzzer (build/fuzz.sh) found worth keeping, with the encodings it started from.
    [Fact]
    public void Every_seed_of_the_fuzzer_is_read_or_refused()
    {
        var folder = Repository.Path("tests", "FederatedDpLlm.SecureAggregation.Tests", "Seeds");
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            All.Value.Single(decoder => decoder.Name == Path.GetFileName(Path.GetDirectoryName(file))).Check(File.ReadAllBytes(file));
        }
    }

    [Fact]
    public void A_frame_with_any_byte_changed_is_refused()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        var honest = round.Confirmations[0].ToArray();
        for (var i = 0; i < honest.Length; i++)
        {
            var changed = honest.ToArray();
            changed[i] ^= 0x10;
            Assert.False(SignedFrame.Open(changed, MessageKind.Confirmation, federation.Parameters).IsAccepted);
        }
    }

    private static void RandomStrings(Decoder decoder, int count)
    {
        var random = new TestRandom(22);
        var noise = new byte[1 << 16];
        random.Fill(noise);
        for (var i = 0; i < count; i++)
        {
            // Strings are windows of one long random string, at places and of lengths that repeat after more than 10^9 only.
            var length = i % 4 == 0 ? decoder.Honest.Length : (int)(i * 7919L % (2L * Math.Min(decoder.Honest.Length, 4000)));
            var start = (int)(i * 104729L % Math.Max(1, noise.Length - length));
            var bytes = noise.AsSpan(start, Math.Min(length, noise.Length - start)).ToArray();
            if (i % 2 == 0)
            {
                decoder.Honest.AsSpan(0, Math.Min(i % 64, Math.Min(bytes.Length, decoder.Honest.Length))).CopyTo(bytes);
            }

            decoder.Check(bytes);
        }
    }

    private static byte[] Mutate(byte[] honest, int how, TestRandom random)
    {
        var bytes = honest.ToArray();
        switch (how)
        {
            case 0:
                bytes = new byte[random.Below(2 * honest.Length)];
                random.Fill(bytes);
                return bytes;
            case 1:
                return bytes[..random.Below(honest.Length)];
            case 2:
                return [.. bytes, (byte)random.Below(256)];
            case 3:
                // A length or a count, most likely: four bytes that claim much.
                var place = random.Below(Math.Max(1, honest.Length - 4));
                bytes.AsSpan(place, Math.Min(4, bytes.Length - place)).Fill(random.Below(2) == 0 ? (byte)0xFF : (byte)0x7F);
                return bytes;
            case 4:
                return [.. bytes[..(bytes.Length / 2)], .. bytes[..(bytes.Length / 2)]];
            default:
                bytes[random.Below(honest.Length)] = (byte)random.Below(256);
                return bytes;
        }
    }
}
