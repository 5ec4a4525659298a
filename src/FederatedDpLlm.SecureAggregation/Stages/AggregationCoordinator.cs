using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// The coordinator's side of one round. It collects a stage's messages until its host closes the stage (the host has the clock), and learns the sum of
/// the survivors' updates and nothing else. Every refused message leaves the state as it was. The state follows from the accepted messages and the
/// closings alone: a host that journals them and feeds them again after a crash is where it was.
/// References: Bonawitz et al., CCS 2017; Bell et al., CCS 2020.
/// </summary>
public sealed class AggregationCoordinator
{
    private readonly RoundParameters _parameters;
    private readonly int _workers;
    private readonly Dictionary<int, ReadOnlyMemory<byte>> _advertisements = [];
    private readonly Dictionary<int, DealtSharing> _sharings = [];
    private readonly SortedDictionary<int, byte[]> _uploadLeaves = [];
    private readonly Dictionary<int, ReadOnlyMemory<byte>> _confirmations = [];
    private readonly Dictionary<int, UnmaskingBody> _unmaskings = [];
    private AdvertisementBook? _book;
    private CommitteeRound? _committee;
    private SurvivorAnnouncement? _announcement;
    private UpdateSum? _sum;

    /// <param name="parameters">What all parties agreed on.</param>
    /// <param name="workers">How many threads unmask.</param>
    public AggregationCoordinator(RoundParameters parameters, int workers = 1)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        (_parameters, _workers) = (parameters, workers);
    }

    /// <summary>What is being collected.</summary>
    public CoordinatorStage Stage { get; private set; }

    /// <summary>Stage 0: takes a client's keys; null where they were accepted.</summary>
    public Refusal? ReceiveAdvertisement(ReadOnlyMemory<byte> message)
    {
        if (Stage != CoordinatorStage.Advertisements)
        {
            return new Refusal(RefusalCode.WrongStage);
        }

        var opened = AdvertisementBook.Open(message, _parameters);
        if (!opened.IsAccepted)
        {
            return opened.Refusal;
        }

        return _advertisements.TryAdd(opened.Value.Sender, message) ? null : new Refusal(RefusalCode.Replayed);
    }

    /// <summary>Closes stage 0: what every client that advertised is sent.</summary>
    public Outcome<IReadOnlyList<ReadOnlyMemory<byte>>> CloseAdvertisements()
    {
        Require(CoordinatorStage.Advertisements);
        IReadOnlyList<ReadOnlyMemory<byte>> all = [.. _advertisements.OrderBy(entry => entry.Key).Select(entry => entry.Value)];
        var read = AdvertisementBook.Read(all, _parameters);
        if (!read.IsAccepted)
        {
            return Abort<IReadOnlyList<ReadOnlyMemory<byte>>>(read.Refusal);
        }

        _book = read.Value;
        _committee = _parameters.Mode == AggregationMode.Committee ? new CommitteeRound(_parameters, _book) : null;
        Stage = CoordinatorStage.Sharings;
        return Outcome<IReadOnlyList<ReadOnlyMemory<byte>>>.Accepted(all);
    }

    /// <summary>Stage 1: takes a client's commitments and envelopes.</summary>
    public Refusal? ReceiveSharing(KeySharing message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (Stage != CoordinatorStage.Sharings)
        {
            return new Refusal(RefusalCode.WrongStage);
        }

        if (_committee is not null)
        {
            return _committee.ReceiveSharing(message);
        }

        var read = DealtSharing.Read(message, _book!, _parameters);
        if (!read.IsAccepted)
        {
            return read.Refusal;
        }

        return _sharings.TryAdd(read.Value.Dealer, read.Value) ? null : new Refusal(RefusalCode.Replayed);
    }

    /// <summary>Closes stage 1: for every client that dealt, what its neighbours dealt to it.</summary>
    public Outcome<IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>>> CloseSharings()
    {
        Require(CoordinatorStage.Sharings);
        if ((_committee?.Dealt ?? _sharings.Count) < _parameters.FewestDealers)
        {
            return Abort<IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>>>(new Refusal(RefusalCode.TooFewSurvivors));
        }

        _sum = UpdateSum.For(_parameters);
        Stage = CoordinatorStage.Uploads;
        return Outcome<IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>>>.Accepted(_committee?.CloseSharings() ?? Inboxes());
    }

    /// <summary>Stage 2: adds a client's masked update to the sum; it is not kept.</summary>
    public Refusal? ReceiveUpload(MaskedUpload upload)
    {
        ArgumentNullException.ThrowIfNull(upload);
        if (Stage != CoordinatorStage.Uploads)
        {
            return new Refusal(RefusalCode.WrongStage);
        }

        var opened = SignedFrame.Open(upload.Header, MessageKind.Upload, _parameters);
        if (!opened.IsAccepted)
        {
            return opened.Refusal;
        }

        var sender = opened.Value.Sender;
        if (!(_committee?.MayUpload(sender) ?? _sharings.ContainsKey(sender)))
        {
            return new Refusal(RefusalCode.UnknownSender);
        }

        if (_uploadLeaves.ContainsKey(sender))
        {
            return new Refusal(RefusalCode.Replayed);
        }

        if (UploadBody.TryDecode(opened.Value.Body) is not { } body || body.PayloadLength != _sum!.PayloadSizeBytes)
        {
            return new Refusal(RefusalCode.Malformed, sender);
        }

        if (upload.Payload.Length != body.PayloadLength || !PayloadHash.Of(upload.Payload, _workers).AsSpan().SequenceEqual(body.PayloadHash))
        {
            return new Refusal(RefusalCode.PayloadMismatch);
        }

        if (_committee is { } committee && !committee.IsForThisKey(body, upload.Payload.Span))
        {
            return new Refusal(RefusalCode.Equivocation, sender);
        }

        if (!_sum.TryAdd(upload.Payload, _workers))
        {
            return new Refusal(RefusalCode.Malformed, sender);
        }

        _committee?.Keep(sender, upload);
        _uploadLeaves[sender] = MerkleTree.HashLeaf(upload.Header.Span);
        return null;
    }

    /// <summary>Closes stage 2: for every client that uploaded, the survivor set with the proof that its upload is in.</summary>
    public Outcome<IReadOnlyDictionary<int, AnnouncedSurvivors>> CloseUploads()
    {
        Require(CoordinatorStage.Uploads);
        if (_uploadLeaves.Count < _parameters.MinimumSurvivors || _uploadLeaves.Keys.Count(_parameters.IsDealer) < _parameters.Sharing.Threshold)
        {
            return Abort<IReadOnlyDictionary<int, AnnouncedSurvivors>>(new Refusal(RefusalCode.TooFewSurvivors));
        }

        byte[][] leaves = [.. _uploadLeaves.Values];
        _announcement = new SurvivorAnnouncement([.. _uploadLeaves.Keys], MerkleTree.Root(leaves));
        var encoded = _announcement.Encode(_parameters);
        Stage = CoordinatorStage.Confirmations;
        var ciphertexts = _committee?.Ciphertexts ?? [];
        return Outcome<IReadOnlyDictionary<int, AnnouncedSurvivors>>.Accepted(_announcement.Survivors.Where(_parameters.IsDealer).ToDictionary(
            survivor => survivor, survivor => new AnnouncedSurvivors(encoded, MerkleTree.Prove(leaves, _announcement.PlaceOf(survivor))) { Ciphertexts = ciphertexts }));
    }

    /// <summary>Stage 3: takes a client's signature on the survivor set.</summary>
    public Refusal? ReceiveConfirmation(ReadOnlyMemory<byte> message)
    {
        if (Stage != CoordinatorStage.Confirmations)
        {
            return new Refusal(RefusalCode.WrongStage);
        }

        var opened = SignedFrame.Open(message, MessageKind.Confirmation, _parameters);
        if (!opened.IsAccepted)
        {
            return opened.Refusal;
        }

        if (!_announcement!.Includes(opened.Value.Sender) || !_parameters.IsDealer(opened.Value.Sender))
        {
            return new Refusal(RefusalCode.UnknownSender);
        }

        if (!opened.Value.Body.SequenceEqual(_announcement.Digest(_parameters)))
        {
            return new Refusal(RefusalCode.Equivocation, opened.Value.Sender);
        }

        return _confirmations.TryAdd(opened.Value.Sender, message) ? null : new Refusal(RefusalCode.Replayed);
    }

    /// <summary>Closes stage 3: what every client that confirmed is sent.</summary>
    public Outcome<IReadOnlyList<ReadOnlyMemory<byte>>> CloseConfirmations()
    {
        Require(CoordinatorStage.Confirmations);
        if (_confirmations.Count < _parameters.Sharing.Threshold)
        {
            return Abort<IReadOnlyList<ReadOnlyMemory<byte>>>(new Refusal(RefusalCode.BelowThreshold));
        }

        Stage = CoordinatorStage.Unmaskings;
        return Outcome<IReadOnlyList<ReadOnlyMemory<byte>>>.Accepted([.. _confirmations.OrderBy(entry => entry.Key).Select(entry => entry.Value)]);
    }

    /// <summary>Stage 4: takes the shares that a client releases.</summary>
    public Refusal? ReceiveUnmasking(ReadOnlyMemory<byte> message)
    {
        if (Stage != CoordinatorStage.Unmaskings)
        {
            return new Refusal(RefusalCode.WrongStage);
        }

        var opened = SignedFrame.Open(message, MessageKind.Unmasking, _parameters);
        if (!opened.IsAccepted)
        {
            return opened.Refusal;
        }

        var sender = opened.Value.Sender;
        if (!_confirmations.ContainsKey(sender))
        {
            return new Refusal(RefusalCode.UnknownSender);
        }

        if (_committee is not null)
        {
            return _committee.ReceiveAnswer(sender, opened.Value.Body, _announcement!.Digest(_parameters));
        }

        // One share of everybody who dealt to the sender: what it leaves out, others would have to make up for.
        if (UnmaskingBody.TryDecode(opened.Value.Body, sender, _parameters) is not { } body || !IsOfEveryDealer(body, sender))
        {
            return new Refusal(RefusalCode.Malformed, sender);
        }

        if (!body.Announcement.AsSpan().SequenceEqual(_announcement!.Digest(_parameters)))
        {
            return new Refusal(RefusalCode.Equivocation, sender);
        }

        return _unmaskings.TryAdd(sender, body) ? null : new Refusal(RefusalCode.Replayed);
    }

    /// <summary>Closes stage 4: opens the sum, by the restored masks or by the committee's answers.</summary>
    public Outcome<AggregateSum> Finish()
    {
        Require(CoordinatorStage.Unmaskings);
        var survivors = _announcement!.Survivors;
        IReadOnlyList<int> blamed = [];
        var opened = _committee is null ? OpenUnderMasks(survivors.Count, out blamed) : _committee.Open((CommitteeUpdateSum)_sum!, survivors.Count, _workers);
        if (!opened.IsAccepted)
        {
            return Abort<AggregateSum>(opened.Refusal);
        }

        (_sum, _committee) = (null, null);
        Stage = CoordinatorStage.Finished;
        return Outcome<AggregateSum>.Accepted(new AggregateSum(opened.Value, survivors, blamed));
    }

    private bool IsOfEveryDealer(UnmaskingBody body, int holder) =>
        body.Shares.Keys.ToHashSet().SetEquals(_book!.Graph.HoldersOf(holder).ToArray().Where(_sharings.ContainsKey));

    private Outcome<int[]> OpenUnderMasks(int survivors, out IReadOnlyList<int> blamed)
    {
        var unmasking = new UnmaskingStep(_parameters, _book!, _sharings, _announcement!, _unmaskings);
        using var masks = new MaskSet();
        var refusal = unmasking.CollectMasks(masks, _workers);
        blamed = unmasking.Blamed;
        if (refusal is not null)
        {
            return Outcome<int[]>.Refused(refusal);
        }

        return ((SumUnderMasks)_sum!).Open(masks, survivors, _book!.Digest, _workers) is { } values
            ? Outcome<int[]>.Accepted(values)
            : Outcome<int[]>.Refused(RefusalCode.Undecryptable);
    }

    private Dictionary<int, IReadOnlyList<RelayedSharing>> Inboxes()
    {
        var inboxes = new Dictionary<int, IReadOnlyList<RelayedSharing>>();
        foreach (var reader in _sharings.Keys)
        {
            inboxes[reader] = [.. _sharings.Values.Where(sharing => _book!.Graph.AreNeighbours(reader, sharing.Dealer))
                .OrderBy(sharing => sharing.Dealer).Select(sharing => sharing.For(reader, _book!.Graph))];
        }

        return inboxes;
    }

    private void Require(CoordinatorStage stage)
    {
        if (Stage != stage)
        {
            throw new InvalidOperationException($"The round is at {Stage}, not at {stage}.");
        }
    }

    private Outcome<T> Abort<T>(Refusal refusal)
        where T : notnull
    {
        (_sum, _committee) = (null, null);
        Stage = CoordinatorStage.Aborted;
        return Outcome<T>.Refused(refusal);
    }
}
