using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using CsCheck;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Models.Training;

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

    [Fact]
    public void A_length_that_a_peer_claims_over_a_socket_costs_no_more_than_what_arrives_and_ends_by_type()
    {
        var random = new CounterRandom(20262);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var (refused, ended, late) = (0, 0, 0);
        for (var link = 0; link < 400; link++)
        {
            var frame = new byte[FrameHeader.SizeBytes + (random.Next(8) == 0 ? random.Next(400_000) : random.Next(200))];
            new FrameHeader(FrameKind.Computed, 0, 1, 1, default).Write(frame);
            var sent = frame.Length - FrameHeader.SizeBytes;
            var length = random.Next(4) switch
            {
                0 => sent + 1 + random.Next(1 << 20),
                1 => FrameHeader.LargestPayloadBytes - random.Next(1 << 20),
                2 => FrameHeader.LargestPayloadBytes + 1 + random.Next(1 << 30),
                _ => -1 - random.Next(int.MaxValue),
            };
            BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(8), length);

            using var peer = new TcpClient();
            peer.Connect((IPEndPoint)listener.LocalEndpoint);
            using var socket = listener.AcceptSocket();
            using var reader = new FrameStream(new NetworkStream(socket), socket, TimeProvider.System);
            var closes = random.Next(8) > 0;
            var sending = new Thread(() => Send(peer, frame, closes));
            sending.Start();
            var before = GC.GetAllocatedBytesForCurrentThread();
            var end = Assert.ThrowsAny<Exception>(() => reader.TryRead(TimeSpan.FromMilliseconds(closes ? 20_000 : 100), out _, out _));
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            _ = end switch
            {
                ShardProtocolException when length is < 0 or > FrameHeader.LargestPayloadBytes => refused++,
                ShardProtocolException or IOException when closes => ended++,
                ShardProtocolException or IOException => late++,
                _ => throw end,
            };

            // Doubling from 256 KiB on what has arrived, and what the exception takes.
            Assert.True(allocated <= 4L * frame.Length + (512 << 10), $"{allocated} bytes for {frame.Length} that arrived and {length} that were claimed");
            reader.Dispose();
            sending.Join();
        }

        Assert.True(refused > 0 && ended > 0 && late > 0, $"{refused} refused, {ended} ended, {late} late");
    }

    private static void Send(TcpClient peer, byte[] frame, bool close)
    {
        try
        {
            peer.Client.Send(frame);
            if (close)
            {
                peer.Client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (SocketException)
        {
            // The reader has had enough.
        }
    }

    private static byte[] Payload(int size, int seed) => [.. Enumerable.Range(0, size).Select(i => (byte)(i * 31 + seed))];

    private sealed class InPieces(byte[] bytes, int[] pieces) : MemoryStream(bytes)
    {
        private int _reads;

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, pieces[_reads++ % pieces.Length]));
    }
}
