using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Transcripts;

/// <summary>
/// Replays a transcript offline: every message goes through the same checks as in the round (signatures, commitments, hashes, quorum), the masks come off
/// again, and sum, survivors, blame and Merkle root must be the claimed ones. The file alone shows that it agrees with itself; whose round it was follows from
/// what an auditor must know from elsewhere: the digest of the round's parameters (it covers the roster's keys) and the coordinator's key.
/// </summary>
public sealed class TranscriptAudit
{
    private readonly TranscriptReader _reader;
    private readonly int _workers;
    private readonly List<byte[]> _leaves = [];
    private RoundParameters? _parameters;
    private AggregationCoordinator? _coordinator;
    private ReadOnlyMemory<byte> _uploadRoot;

    private TranscriptAudit(Stream source, int workers) => (_reader, _workers) = (new TranscriptReader(source), workers);

    /// <summary>Audits a transcript.</summary>
    /// <param name="source">Seekable; read from its current position to its end.</param>
    /// <param name="expectedParameters">The digest that the parameters must have; empty to accept any, which proves consistency alone.</param>
    /// <param name="expectedCoordinator">The key that must have sealed it; empty to accept any, which proves consistency alone.</param>
    /// <param name="workers">Threads for unmasking.</param>
    public static TranscriptReport Run(Stream source, ReadOnlyMemory<byte> expectedParameters = default, ReadOnlyMemory<byte> expectedCoordinator = default, int workers = 1)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new TranscriptAudit(source, workers).Run(expectedParameters.Span, expectedCoordinator.Span);
    }

    private TranscriptReport Run(ReadOnlySpan<byte> expectedParameters, ReadOnlySpan<byte> expectedCoordinator)
    {
        if (_reader.Bytes(TranscriptWriter.Magic.Length) is not { } magic || !magic.AsSpan().SequenceEqual(TranscriptWriter.Magic))
        {
            return Report(TranscriptFault.NotATranscript);
        }

        // Looking at a round of any mode puts nobody's update at risk.
        if (_reader.Block() is not { } encoded || RoundParameters.TryDecode(encoded, acceptUnreviewedCryptography: true) is not { } parameters || !IsExpected(parameters.Digest, expectedParameters))
        {
            return Report(TranscriptFault.WrongParameters);
        }

        (_parameters, _coordinator) = (parameters, new AggregationCoordinator(parameters, _workers));
        for (; ; )
        {
            switch (_reader.Tag())
            {
                case TranscriptWriter.EntryTag when _reader.Entry() is { } entry:
                    if (Replay(entry) is { } fault)
                    {
                        return fault;
                    }

                    break;
                case TranscriptWriter.SealTag:
                    return CheckSeal(expectedCoordinator, isExpected: !expectedParameters.IsEmpty && !expectedCoordinator.IsEmpty);
                default:
                    return Report(TranscriptFault.Malformed);
            }
        }
    }

    private TranscriptReport? Replay(TranscriptEntry entry)
    {
        // The stages close in the order in which the messages move on.
        while (_coordinator!.Stage < entry.Stage)
        {
            if (Close() is { } refusal)
            {
                return Report(TranscriptFault.StageRefused, refusal);
            }
        }

        if (Receive(entry) is { } refused)
        {
            return Report(TranscriptFault.MessageRefused, refused);
        }

        _leaves.Add(entry.Leaf());
        return null;
    }

    private Refusal? Receive(TranscriptEntry entry) => entry.Stage switch
    {
        CoordinatorStage.Advertisements when entry.Attachments.Count == 0 => _coordinator!.ReceiveAdvertisement(entry.Frame),
        CoordinatorStage.Sharings => _coordinator!.ReceiveSharing(new KeySharing(entry.Frame, entry.Attachments)),
        CoordinatorStage.Uploads when entry.Attachments.Count == 1 => _coordinator!.ReceiveUpload(new MaskedUpload(entry.Frame, entry.Attachments[0])),
        CoordinatorStage.Confirmations when entry.Attachments.Count == 0 => _coordinator!.ReceiveConfirmation(entry.Frame),
        CoordinatorStage.Unmaskings when entry.Attachments.Count == 0 => _coordinator!.ReceiveUnmasking(entry.Frame),
        _ => new Refusal(RefusalCode.Malformed),
    };

    private Refusal? Close()
    {
        switch (_coordinator!.Stage)
        {
            case CoordinatorStage.Advertisements:
                return _coordinator.CloseAdvertisements().Refusal;
            case CoordinatorStage.Sharings:
                return _coordinator.CloseSharings().Refusal;
            case CoordinatorStage.Uploads:
                var announced = _coordinator.CloseUploads();
                _uploadRoot = announced.IsAccepted ? SurvivorAnnouncement.TryDecode(announced.Value.Values.First().Announcement.Span, _parameters!)!.UploadRoot : default;
                return announced.Refusal;
            case CoordinatorStage.Confirmations:
                return _coordinator.CloseConfirmations().Refusal;
            default:
                return new Refusal(RefusalCode.WrongStage);
        }
    }

    private TranscriptReport CheckSeal(ReadOnlySpan<byte> expectedCoordinator, bool isExpected)
    {
        if (_reader.Block() is not { } encoded
            || TranscriptSeal.TryDecode(encoded) is not { } seal
            || _reader.Bytes(HospitalIdentity.PublicKeySizeBytes) is not { } key
            || _reader.Bytes(HospitalIdentity.SignatureSizeBytes) is not { } signature
            || !_reader.IsAtEnd)
        {
            return Report(TranscriptFault.Malformed);
        }

        var replayed = TranscriptSeal.Of(Finish(), _leaves.ToArray());
        if (!replayed.Root.Span.SequenceEqual(seal.Root.Span) || !seal.IsSignedBy(key, signature, _parameters!) || !IsExpected(key, expectedCoordinator))
        {
            return Report(TranscriptFault.BadSeal, seal: seal, key: key);
        }

        return replayed.Claims(seal) ? Report(null, seal: seal, key: key) with { IsExpected = isExpected } : Report(TranscriptFault.WrongResult, seal: seal, key: key);
    }

    // A round that ended early was refused at the closing of the stage it was in.
    private Outcome<AggregateSum> Finish()
    {
        while (_coordinator!.Stage < CoordinatorStage.Unmaskings)
        {
            if (Close() is { } refusal)
            {
                return Outcome<AggregateSum>.Refused(refusal);
            }
        }

        return _coordinator.Finish();
    }

    private static bool IsExpected(ReadOnlySpan<byte> found, ReadOnlySpan<byte> expected) => expected.IsEmpty || found.SequenceEqual(expected);

    private TranscriptReport Report(TranscriptFault? fault, Refusal? detail = null, TranscriptSeal? seal = null, byte[]? key = null) =>
        new(fault, detail, _leaves.Count, _parameters, seal, key, _uploadRoot, IsExpected: false);
}
