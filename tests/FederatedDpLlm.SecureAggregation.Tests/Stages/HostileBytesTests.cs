using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

public sealed class HostileBytesTests
{
    // Every decoder gets random strings, and honest encodings with random bytes changed, cut or added: none throws, none reads what it did not write.
    [Fact]
    public void No_decoder_throws_on_random_bytes_and_what_it_accepts_it_writes_back()
    {
        using var federation = new Federation(6, 8);
        using var round = new ManualRound(federation);
        round.ToConfirmations();
        var parameters = federation.Parameters;
        var memory = ClientMemory.TryDecode(round.Snapshots[0])!;
        var graph = SharingGraph.Build(6, memory.Members, parameters.Sharing, memory.Advertisements);
        var sharing = SignedFrame.Open(round.Sharings[0].Frame, MessageKind.Sharing, parameters).Required.Body.ToArray();
        var unmasking = SignedFrame.Open(round.Clients[0].Unmask(round.Confirmations).Required.Release(), MessageKind.Unmasking, parameters).Required.Body.ToArray();
        (byte[] Honest, Func<byte[], byte[]?> ReadAndWrite)[] decoders =
        [
            (parameters.Encode(), bytes => RoundParameters.TryDecode(bytes)?.Encode()),
            (memory.Announcement, bytes => SurvivorAnnouncement.TryDecode(bytes, parameters)?.Encode(parameters)),
            (round.Snapshots[0], bytes => ClientMemory.TryDecode(bytes) is null ? null : bytes),
            (sharing, bytes => SharingBody.TryDecode(bytes, 0, graph)?.Encode()),
            (unmasking, bytes => UnmaskingBody.TryDecode(bytes, 0, parameters) is null ? null : bytes),
            (UploadBody.Of([1]).Encode(), bytes => UploadBody.TryDecode(bytes)?.Encode()),
            (round.Confirmations[0].ToArray(), bytes => SignedFrame.Open(bytes, MessageKind.Confirmation, parameters).Value?.Bytes.ToArray()),
        ];
        var random = new TestRandom(20);
        foreach (var (honest, readAndWrite) in decoders)
        {
            Assert.Equal(honest, readAndWrite(honest)!);
            for (var i = 0; i < 1500; i++)
            {
                var bytes = Mutate(honest, i % 4, random);
                var written = readAndWrite(bytes);
                Assert.True(written is null || written.AsSpan().SequenceEqual(bytes));
            }
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

    // Two sets of updates with the same sum: what the coordinator sees of one client is uniform in both, and so is the difference. Each of the nine
    // statistics is chi-square with 255 degrees of freedom, above 420 with probability below 1e-9: a false alarm in fewer than one run in 10^8.
    [Fact]
    public void Uploads_look_uniform_whatever_the_updates_are()
    {
        using var federation = new Federation(4, 20_000);
        var plain = federation.Inputs[0];
        Array.Fill(plain, 0);
        var first = Upload(federation);
        Array.Fill(plain, 12345);
        Array.Fill(federation.Inputs[1], -12345);
        var second = Upload(federation);
        for (var place = 0; place < 3; place++)
        {
            Assert.InRange(ChiSquare(first, place), 120, 420);
            Assert.InRange(ChiSquare(second, place), 120, 420);
            Assert.InRange(ChiSquare([.. first.Zip(second, (a, b) => (byte)(a - b))], place), 120, 420);
        }

        // The battery sees what is there to see: an update without masks fails it.
        Assert.True(ChiSquare(new byte[60_000], 0) > 1e6);
    }

    private static byte[] Upload(Federation federation)
    {
        using var round = new ManualRound(federation);
        round.ToSharings();
        return round.Upload(0).Payload.ToArray();
    }

    private static double ChiSquare(byte[] payload, int place)
    {
        var counts = new int[256];
        for (var i = place; i < payload.Length; i += 3)
        {
            counts[payload[i]]++;
        }

        var expected = payload.Length / 3 / 256.0;
        return counts.Sum(count => (count - expected) * (count - expected) / expected);
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
            default:
                bytes[random.Below(honest.Length)] = (byte)random.Below(256);
                return bytes;
        }
    }
}
