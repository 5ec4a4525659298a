using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Transcripts;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>
/// All that a coordinator accepts in some rounds of one world, by kind. The worlds differ in the updates: those of clients 0 and 1 are exchanged, which leaves the
/// sum as it is, and so is the sign of client 4's, which drops out before it uploads, so that shares of its seed are released.
/// Left out of a message is only what the worlds share by construction or what repeats within a round (the header; the digests of advertisements and survivors,
/// except once): repeats would not be independent.
/// </summary>
internal sealed class WorldTranscripts(AggregationMode mode, int world)
{
    public const int Clients = 5;
    private const int Dropped = 4;
    private const int HeaderSizeBytes = 41;

    public AggregationMode Mode => mode;

    public int World => world;

    public Dictionary<string, List<byte[]>> Messages { get; init; } = [];

    public List<int[]> Sums { get; } = [];

    public List<byte[]> Uploads => Messages["upload"];

    public IEnumerable<byte[]> UploadsOfFirst => Uploads.Where((_, i) => i % (Clients - 1) == 0);

    /// <summary>A full ring element of values in the lattice modes.</summary>
    public int Length => mode == AggregationMode.Mask ? 400 : 9 * 8192;

    public int Rounds => mode switch { AggregationMode.Mask => 60, AggregationMode.Homomorphic => 12, _ => 4 };

    public static int Update(int world, int client, int place) => client switch
    {
        0 or 1 => (client == world ? 1 : -1) * (3000 + (place * 37 % 20000)),
        Dropped => (world == 0 ? 1 : -1) * (place % 9000),
        _ => 5,
    };

    public WorldTranscripts Run()
    {
        using var federation = new Federation(Clients, Length, mode, seed: 40 + world);
        for (var client = 0; client < Clients; client++)
        {
            for (var i = 0; i < Length; i++)
            {
                federation.Inputs[client][i] = Update(world, client, i);
            }
        }

        for (var round = 0; round < Rounds; round++)
        {
            var confirmed = false;
            var run = new InProcessRound(federation.Parameters, federation.Identities, federation.Random)
            {
                InputOf = client => federation.Inputs[client],
                DropoutOf = client => client == Dropped ? DropoutStage.BeforeUpload : DropoutStage.Never,
                Record = entry => Sort(entry, federation.Parameters, ref confirmed),
            };
            Sums.Add(run.Run(CancellationToken.None).Required.Values.ToArray());
        }

        return this;
    }

    /// <summary>The same with one kind's messages changed.</summary>
    public WorldTranscripts With(string kind, Func<byte[], int, byte[]> change) => new(mode, world)
    {
        Messages = Messages.ToDictionary(one => one.Key, one => one.Key == kind ? [.. one.Value.Select(change)] : one.Value),
    };

    private void Sort(TranscriptEntry entry, RoundParameters parameters, ref bool confirmed)
    {
        var frame = entry.Frame.Span;
        var body = frame[HeaderSizeBytes..^64];
        var signature = frame[^64..];
        switch (entry.Stage)
        {
            case CoordinatorStage.Advertisements:
                Add("advertisement", [.. body, .. signature]);
                break;
            case CoordinatorStage.Sharings:
                Add("sharing", [.. SharingOf(body, parameters), .. signature]);
                Array.ForEach([.. entry.Attachments], envelope => Add("envelope", envelope.ToArray()));
                break;
            case CoordinatorStage.Uploads:
                Add("upload header", [.. body[8..], .. signature]);
                Add("upload", entry.Attachments[0].ToArray());
                break;
            case CoordinatorStage.Confirmations:
                Add("confirmation", [.. confirmed ? [] : body, .. signature]);
                confirmed = true;
                break;
            default:
                Add("unmasking's signature", signature.ToArray());
                SortReleased(frame, body, parameters);
                break;
        }
    }

    private ReadOnlySpan<byte> SharingOf(ReadOnlySpan<byte> body, RoundParameters parameters)
    {
        if (mode != AggregationMode.Committee)
        {
            return body[32..];
        }

        var sharing = CommitteeSharingBody.TryDecode(body, parameters)!;
        return (byte[])[.. sharing.PublicPart, .. sharing.EnvelopeHashes.SelectMany(hash => hash)];
    }

    private void SortReleased(ReadOnlySpan<byte> frame, ReadOnlySpan<byte> body, RoundParameters parameters)
    {
        if (mode == AggregationMode.Committee)
        {
            Add("answer", body[32..].ToArray());
            return;
        }

        var released = UnmaskingBody.TryDecode(body, SignedFrame.ClaimedSender(frame)!.Value, parameters)!;
        Assert.Equal(Enumerable.Range(0, Clients), released.Shares.Keys.Order());
        foreach (var (dealer, share) in released.Shares)
        {
            var bytes = new byte[2 * Scalar.SizeBytes];
            share.Value.CopyTo(bytes);
            share.Blinding.CopyTo(bytes.AsSpan(Scalar.SizeBytes));
            Add(dealer == Dropped ? "seed share" : "self-mask share", bytes);
        }
    }

    private void Add(string kind, byte[] bytes)
    {
        Messages.TryAdd(kind, []);
        Messages[kind].Add(bytes);
    }
}
