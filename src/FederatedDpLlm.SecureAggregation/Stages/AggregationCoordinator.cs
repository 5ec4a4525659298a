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
    private readonly UploadCollection _uploads;
    private readonly Dictionary<int, ReadOnlyMemory<byte>> _confirmations = [];
    private IModeRound? _round;
    private SurvivorAnnouncement? _announcement;

    /// <param name="parameters">What all parties agreed on.</param>
    /// <param name="workers">How many threads unmask.</param>
    public AggregationCoordinator(RoundParameters parameters, int workers = 1)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfLessThan(workers, 1);
        (_parameters, _workers, _uploads) = (parameters, workers, new UploadCollection(parameters, workers));
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

        _round = _parameters.Mode == AggregationMode.Committee ? new CommitteeRound(_parameters, read.Value) : new MaskRound(_parameters, read.Value);
        Stage = CoordinatorStage.Sharings;
        return Outcome<IReadOnlyList<ReadOnlyMemory<byte>>>.Accepted(all);
    }

    /// <summary>Stage 1: takes a client's commitments and envelopes.</summary>
    public Refusal? ReceiveSharing(KeySharing message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Stage == CoordinatorStage.Sharings ? _round!.ReceiveSharing(message) : new Refusal(RefusalCode.WrongStage);
    }

    /// <summary>Closes stage 1: for every client that dealt, what its neighbours dealt to it.</summary>
    public Outcome<IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>>> CloseSharings()
    {
        Require(CoordinatorStage.Sharings);
        if (_round!.Dealt < _parameters.FewestDealers)
        {
            return Abort<IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>>>(new Refusal(RefusalCode.TooFewSurvivors));
        }

        Stage = CoordinatorStage.Uploads;
        return Outcome<IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>>>.Accepted(_round.CloseSharings());
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
        return opened.IsAccepted ? _uploads.Add(opened.Value, upload, _round!) : opened.Refusal;
    }

    /// <summary>Closes stage 2: for every client that uploaded, the survivor set with the proof that its upload is in.</summary>
    public Outcome<IReadOnlyDictionary<int, AnnouncedSurvivors>> CloseUploads()
    {
        Require(CoordinatorStage.Uploads);
        if (!_uploads.Suffice)
        {
            return Abort<IReadOnlyDictionary<int, AnnouncedSurvivors>>(new Refusal(RefusalCode.TooFewSurvivors));
        }

        _announcement = _uploads.Announce();
        Stage = CoordinatorStage.Confirmations;
        return Outcome<IReadOnlyDictionary<int, AnnouncedSurvivors>>.Accepted(_uploads.Prove(_announcement, _round!.Ciphertexts));
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

        return _confirmations.ContainsKey(opened.Value.Sender)
            ? _round!.ReceiveUnmasking(opened.Value.Sender, opened.Value.Body, _announcement!.Digest(_parameters))
            : new Refusal(RefusalCode.UnknownSender);
    }

    /// <summary>Closes stage 4: opens the sum, by the restored masks or by the committee's answers.</summary>
    public Outcome<AggregateSum> Finish()
    {
        Require(CoordinatorStage.Unmaskings);
        var opened = _round!.Open(_uploads.Sum!, _announcement!, _workers);
        if (!opened.IsAccepted)
        {
            return Abort<AggregateSum>(opened.Refusal);
        }

        Forget();
        Stage = CoordinatorStage.Finished;
        return opened;
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
        Forget();
        Stage = CoordinatorStage.Aborted;
        return Outcome<T>.Refused(refusal);
    }

    private void Forget()
    {
        _uploads.Clear();
        _round = null;
    }
}
