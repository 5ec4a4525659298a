using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.Masking;
using FederatedDpLlm.SecureAggregation.SecretSharing;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>All that a client must remember between stages, with its encoding: what survives a crash.</summary>
internal sealed class ClientMemory : IDisposable
{
    private const int Version = 2;
    private const int LongestMessageBytes = 1 << 26;

    public ClientStage Stage { get; set; }

    public required int Self { get; init; }

    public required byte[] Context { get; init; }

    public required Scalar Seed { get; set; }

    public required Scalar SelfMask { get; set; }

    public required byte[] ChannelSeed { get; init; }

    /// <summary>Empty before the shares are dealt.</summary>
    public byte[] Advertisements { get; set; } = [];

    /// <summary>The clients that advertised.</summary>
    public int[] Members { get; set; } = [];

    /// <summary>The keys of the masks that this client encapsulated, by neighbour.</summary>
    public Dictionary<int, byte[]> EdgeKeys { get; } = [];

    /// <summary>The shares held, by dealer.</summary>
    public Dictionary<int, (SecretShare Seed, SecretShare SelfMask)> Held { get; } = [];

    /// <summary>The hash of the upload's header; empty before the upload.</summary>
    public byte[] UploadLeaf { get; set; } = [];

    /// <summary>In the committee mode, this member's share of the committee's key; empty before the upload, and again after the answer.</summary>
    public byte[] CommitteeShare { get; set; } = [];

    /// <summary>In the committee mode, the digest of the committee's key; empty before the upload.</summary>
    public byte[] CommitteeKeyDigest { get; set; } = [];

    /// <summary>In the committee mode, the sum of the ciphertexts that this member confirmed; empty before.</summary>
    public byte[] CommitteeSum { get; set; } = [];

    /// <summary>The survivor set that was signed; empty before.</summary>
    public byte[] Announcement { get; set; } = [];

    /// <summary>The last message sent, to be sent again after a crash (of an upload, its header).</summary>
    public byte[][] LastMessage { get; set; } = [];

    public static ClientMemory Create(RoundParameters parameters, int self, ISecureRandom random)
    {
        var channelSeed = new byte[32];
        random.Fill(channelSeed);
        return new ClientMemory
        {
            Self = self,
            Context = parameters.Digest.ToArray(),
            Seed = Scalar.Random(random),
            SelfMask = Scalar.Random(random),
            ChannelSeed = channelSeed,
        };
    }

    public static ClientMemory? TryDecode(ReadOnlySpan<byte> snapshot)
    {
        var reader = new WireReader(snapshot);
        var version = reader.Int32();
        var stage = (ClientStage)reader.Count((int)ClientStage.Unmasked);
        var self = reader.Count(RoundParameters.MostClients - 1);
        var context = reader.Bytes(32).ToArray();
        var valid = Scalar.TryRead(reader.Bytes(32), out var seed) & Scalar.TryRead(reader.Bytes(32), out var selfMask) & version == Version;
        var memory = new ClientMemory { Stage = stage, Self = self, Context = context, Seed = seed, SelfMask = selfMask, ChannelSeed = reader.Bytes(32).ToArray() };
        memory.Advertisements = reader.Block(32).ToArray();
        memory.Members = new int[reader.Count(RoundParameters.MostClients)];
        for (var i = 0; i < memory.Members.Length; i++)
        {
            memory.Members[i] = reader.Count(RoundParameters.MostClients - 1);
        }

        var previous = -1;
        for (var count = reader.Count(RoundParameters.MostClients); count > 0; count--)
        {
            memory.EdgeKeys[ReadAscending(ref reader, ref previous)] = reader.Bytes(CounterKeystream.KeySizeBytes).ToArray();
        }

        previous = -1;
        for (var count = reader.Count(RoundParameters.MostClients); count > 0; count--)
        {
            var dealer = ReadAscending(ref reader, ref previous);
            valid &= TryReadShare(ref reader, self, out var ofSeed) & TryReadShare(ref reader, self, out var ofSelfMask);
            memory.Held[dealer] = (ofSeed, ofSelfMask);
        }

        memory.UploadLeaf = reader.Block(32).ToArray();
        memory.CommitteeShare = reader.Block(ResidueFormat.ElementSizeBytes).ToArray();
        memory.CommitteeKeyDigest = reader.Block(32).ToArray();
        memory.CommitteeSum = reader.Block(ResidueFormat.ElementSizeBytes).ToArray();
        memory.Announcement = reader.Block(LongestMessageBytes).ToArray();
        memory.LastMessage = new byte[reader.Count(RoundParameters.MostClients + 1)][];
        for (var i = 0; i < memory.LastMessage.Length; i++)
        {
            memory.LastMessage[i] = reader.Block(LongestMessageBytes).ToArray();
        }

        valid &= memory.CommitteeShare.Length is 0 or ResidueFormat.ElementSizeBytes && memory.CommitteeSum.Length is 0 or ResidueFormat.ElementSizeBytes;
        return valid && reader.IsComplete ? memory : null;
    }

    /// <summary>Whether this can be a client's memory of a round: every number is on the roster, and what its stage goes on from is there.</summary>
    public bool Fits(RoundParameters parameters)
    {
        if (!Context.AsSpan().SequenceEqual(parameters.Digest) || Self >= parameters.Clients)
        {
            return false;
        }

        var (isDealer, isCommittee) = (parameters.IsDealer(Self), parameters.Mode == AggregationMode.Committee);
        var isAscending = Members.Zip(Members.Skip(1)).All(pair => pair.First < pair.Second);
        return isAscending
            && Members.Concat(EdgeKeys.Keys).Concat(Held.Keys).All(client => client < parameters.Clients)
            && (Stage > ClientStage.Fresh) == (LastMessage.Length > 0)
            && (Stage < ClientStage.Shared || !isDealer || (Advertisements.Length == 32 && Members.Contains(Self)))
            && (Stage < ClientStage.Uploaded || UploadLeaf.Length == 32)
            && (Stage < ClientStage.Confirmed || (isDealer && SurvivorAnnouncement.TryDecode(Announcement, parameters) is not null))
            && Holds(CommitteeShare, isCommittee && isDealer && Stage is ClientStage.Uploaded or ClientStage.Confirmed)
            && Holds(CommitteeSum, isCommittee && Stage == ClientStage.Confirmed);

        static bool Holds(byte[] element, bool expected)
        {
            using var read = element.Length > 0 ? RingElement.TryRead(element) : null;
            return expected == read is not null && expected == element.Length > 0;
        }
    }

    public byte[] Encode()
    {
        var writer = new WireWriter();
        writer.Int32(Version);
        writer.Int32((int)Stage);
        writer.Int32(Self);
        writer.Bytes(Context);
        writer.Bytes(Seed.Bytes);
        writer.Bytes(SelfMask.Bytes);
        writer.Bytes(ChannelSeed);
        writer.Block(Advertisements);
        writer.Int32(Members.Length);
        Array.ForEach(Members, writer.Int32);
        writer.Int32(EdgeKeys.Count);
        foreach (var (other, key) in EdgeKeys.OrderBy(entry => entry.Key))
        {
            writer.Int32(other);
            writer.Bytes(key);
        }

        writer.Int32(Held.Count);
        foreach (var (dealer, (seed, selfMask)) in Held.OrderBy(entry => entry.Key))
        {
            writer.Int32(dealer);
            writer.Bytes(seed.Value.Bytes);
            writer.Bytes(seed.Blinding.Bytes);
            writer.Bytes(selfMask.Value.Bytes);
            writer.Bytes(selfMask.Blinding.Bytes);
        }

        writer.Block(UploadLeaf);
        writer.Block(CommitteeShare);
        writer.Block(CommitteeKeyDigest);
        writer.Block(CommitteeSum);
        writer.Block(Announcement);
        writer.Int32(LastMessage.Length);
        Array.ForEach(LastMessage, message => writer.Block(message));
        return writer.ToArray();
    }

    public void Dispose() => Forget();

    /// <summary>Wipes every secret.</summary>
    public void Forget()
    {
        ForgetMasks();
        CryptographicOperations.ZeroMemory(CommitteeShare);
        Held.Clear();
    }

    /// <summary>Wipes what hid this client's own update and what opened the envelopes; the shares held for others stay.</summary>
    public void ForgetMasks()
    {
        (Seed, SelfMask) = (default, default);
        CryptographicOperations.ZeroMemory(ChannelSeed);
        foreach (var key in EdgeKeys.Values)
        {
            CryptographicOperations.ZeroMemory(key);
        }

        EdgeKeys.Clear();
    }

    // An encoding is unique: entries ascend.
    private static int ReadAscending(ref WireReader reader, ref int previous)
    {
        var client = reader.Count(RoundParameters.MostClients - 1);
        if (client <= previous)
        {
            reader.Break();
        }

        return previous = client;
    }

    private static bool TryReadShare(ref WireReader reader, int self, out SecretShare share)
    {
        var valid = Scalar.TryRead(reader.Bytes(32), out var value) & Scalar.TryRead(reader.Bytes(32), out var blinding);
        share = new SecretShare(SharingBody.PointOf(self), value, blinding);
        return valid;
    }
}
