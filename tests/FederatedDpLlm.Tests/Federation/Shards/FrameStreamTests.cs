using CsCheck;
using FederatedDpLlm.Federation.Nodes.Shards;

namespace FederatedDpLlm.Tests.Federation.Shards;

/// <summary>Frames survive whatever pieces a network delivers them in.</summary>
public sealed class FrameStreamTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public void Frames_are_read_whole_however_their_bytes_arrive() =>
        Gen.Select(Gen.Int[0, 70_000].Array[1, 5], Gen.Int[1, 40_000].Array[1, 6]).Sample(
            (sizes, pieces) =>
            {
                var wire = new MemoryStream();
                using (var writer = new FrameStream(wire, null, TimeProvider.System))
                {
                    for (var frame = 0; frame < sizes.Length; frame++)
                    {
                        writer.Write(new FrameHeader(FrameKind.Computed, 0, (ulong)frame, 7, default), Payload(sizes[frame], frame));
                    }
                }

                using var reader = new FrameStream(new InPieces(wire.ToArray(), pieces), null, TimeProvider.System);
                for (var frame = 0; frame < sizes.Length; frame++)
                {
                    Assert.True(reader.TryRead(Patience, out var header, out var payload));
                    Assert.Equal(((ulong)frame, 7L, sizes[frame]), (header.Number, header.Epoch, header.PayloadBytes));
                    Assert.True(payload.Span.SequenceEqual(Payload(sizes[frame], frame)));
                }

                Assert.False(reader.TryRead(Patience, out _, out _));
            },
            iter: 200);

    [Fact]
    public void A_link_that_ends_within_a_frame_is_no_end_between_frames()
    {
        var wire = new MemoryStream();
        new FrameStream(wire, null, TimeProvider.System).Write(new FrameHeader(FrameKind.Computed, 0, 1, 1, default), Payload(100, 0));
        foreach (var length in new[] { 1, FrameHeader.SizeBytes - 1, FrameHeader.SizeBytes, FrameHeader.SizeBytes + 99 })
        {
            var reader = new FrameStream(new MemoryStream(wire.ToArray()[..length]), null, TimeProvider.System);
            Assert.Throws<ShardProtocolException>(() => reader.TryRead(Patience, out _, out _));
        }
    }

    private static byte[] Payload(int size, int seed) => [.. Enumerable.Range(0, size).Select(i => (byte)(i * 31 + seed))];

    private sealed class InPieces(byte[] bytes, int[] pieces) : MemoryStream(bytes)
    {
        private int _reads;

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, pieces[_reads++ % pieces.Length]));
    }
}
