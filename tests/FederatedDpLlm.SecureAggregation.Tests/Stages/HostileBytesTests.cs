using FederatedDpLlm.SecureAggregation.Fuzz;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

public sealed class HostileBytesTests
{
    private static readonly Lazy<IReadOnlyList<Decoder>> All = new(Decoders.All);

    private static readonly string SeedFolder = Repository.Path("tests", "FederatedDpLlm.SecureAggregation.Tests", "Seeds");

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

    // A million strings a decoder: lengths that it expects and lengths around them, and its own first bytes half of the time, so that they get past the first checks.
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

    // What the fuzzer (build/fuzz.sh) found worth keeping, with the encodings it started from. Of encodings too long to keep, seeds
    // are the first bytes: each is tried alone, where the length refuses it, and with the honest rest.
    [Theory, MemberData(nameof(Names))]
    public void Every_seed_of_the_fuzzer_is_read_or_refused(string name)
    {
        var decoder = All.Value.Single(one => one.Name == name);
        var seeds = Directory.GetFiles(Path.Combine(SeedFolder, name));
        Assert.NotEmpty(seeds);
        foreach (var seed in seeds.Select(File.ReadAllBytes))
        {
            decoder.Check(seed);
            decoder.Check([.. seed, .. decoder.Honest.Skip(seed.Length)]);
        }
    }

    [Fact]
    public void Every_folder_of_seeds_belongs_to_a_decoder() =>
        Assert.Equal(All.Value.Select(decoder => decoder.Name).Order(StringComparer.Ordinal), Directory.GetDirectories(SeedFolder).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal));

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
        var (random, honest) = (new TestRandom(22), decoder.Honest);
        var noise = new byte[Math.Max(1 << 16, 2 * (honest.Length + 8))];
        random.Fill(noise);

        // Of encodings as long as a ring element every sixteenth has the right length, of shorter ones every fourth.
        var (period, right) = (honest.Length > 1 << 16 ? 16 : 4, 0);
        for (var i = 0; i < count; i++)
        {
            var turn = i / period;
            var length = (i % period) switch
            {
                0 => honest.Length,
                1 => Math.Max(0, honest.Length - 8 + (turn % 17)),
                _ => (int)(i * 7919L % (2L * Math.Min(honest.Length, 4000))),
            };

            // Strings are windows of one long random string, at places and of lengths that repeat after very many only.
            var bytes = noise.AsSpan((int)(i * 104729L % (noise.Length - length)), length).ToArray();
            if (turn % 2 == 0)
            {
                var kept = turn % 8 == 0 ? (int)(turn * 7919L % (honest.Length + 1)) : i % 64;
                honest.AsSpan(0, Math.Min(kept, Math.Min(length, honest.Length))).CopyTo(bytes);
            }

            right += bytes.Length == honest.Length ? 1 : 0;
            decoder.Check(bytes);
        }

        Assert.True(right >= count / period, $"{right} of {count} strings were as long as an honest {decoder.Name}.");
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
