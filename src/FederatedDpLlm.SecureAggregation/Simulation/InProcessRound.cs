using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Transcripts;

namespace FederatedDpLlm.SecureAggregation.Simulation;

/// <summary>
/// A whole round in one process: the real clients and the real coordinator, with messages handed over instead of sent, and clients that drop out on plan.
/// </summary>
public sealed class InProcessRound
{
    private readonly RoundParameters _parameters;
    private readonly IReadOnlyList<HospitalIdentity> _identities;
    private readonly ISecureRandom _random;
    private readonly long[] _sentBytes;

    /// <param name="parameters">What the parties agree on.</param>
    /// <param name="identities">The keys of the roster, in its order.</param>
    /// <param name="random">The clients' source of secrets.</param>
    public InProcessRound(RoundParameters parameters, IReadOnlyList<HospitalIdentity> identities, ISecureRandom random)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        (_parameters, _identities, _random) = (parameters, identities, random);
        _sentBytes = new long[parameters.Clients];
    }

    /// <summary>A client's update; called once a client, and again only for a client that is restarted.</summary>
    public required Func<int, ReadOnlyMemory<int>> InputOf { get; init; }

    /// <summary>When a client goes away.</summary>
    public Func<int, DropoutStage> DropoutOf { get; init; } = _ => DropoutStage.Never;

    /// <summary>Sees every message that the coordinator accepts.</summary>
    public Action<RoundProgress> Observe { get; init; } = _ => { };

    /// <summary>Is given every message that the coordinator accepts, for a transcript.</summary>
    public Action<TranscriptEntry> Record { get; init; } = _ => { };

    /// <summary>Threads for masking and unmasking.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Whether every client is thrown away after every step and restored from its snapshot.</summary>
    public bool RestartClients { get; init; }

    /// <summary>What each client sent so far.</summary>
    public IReadOnlyList<long> SentBytes => _sentBytes;

    /// <summary>Runs the round to its sum, or to the refusal that ended it.</summary>
    public Outcome<AggregateSum> Run(CancellationToken cancellationToken)
    {
        var coordinator = new AggregationCoordinator(_parameters, Workers);
        var clients = new Dictionary<int, AggregationClient>();
        try
        {
            return Run(coordinator, clients, cancellationToken);
        }
        finally
        {
            foreach (var client in clients.Values)
            {
                client.Dispose();
            }
        }
    }

    private Outcome<AggregateSum> Run(AggregationCoordinator coordinator, Dictionary<int, AggregationClient> clients, CancellationToken cancellationToken)
    {
        foreach (var number in Staying(Enumerable.Range(0, _parameters.Dealers), DropoutStage.BeforeAdvertising))
        {
            clients[number] = NewClient(number);
            var message = Take(clients, number, clients[number].Advertise());
            Deliver(coordinator, number, coordinator.ReceiveAdvertisement(message), message, []);
        }

        var advertisements = coordinator.CloseAdvertisements();
        if (!advertisements.IsAccepted)
        {
            return Outcome<AggregateSum>.Refused(advertisements.Refusal);
        }

        foreach (var number in Staying(clients.Keys, DropoutStage.BeforeSharing))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var sharing = Take(clients, number, clients[number].ShareKeys(advertisements.Value));
            Deliver(coordinator, number, coordinator.ReceiveSharing(sharing), sharing.Frame, sharing.Envelopes);
        }

        var inboxes = coordinator.CloseSharings();
        return inboxes.IsAccepted
            ? FromUploads(coordinator, clients, inboxes.Value, cancellationToken)
            : Outcome<AggregateSum>.Refused(inboxes.Refusal);
    }

    private Outcome<AggregateSum> FromUploads(
        AggregationCoordinator coordinator,
        Dictionary<int, AggregationClient> clients,
        IReadOnlyDictionary<int, IReadOnlyList<RelayedSharing>> inboxes,
        CancellationToken cancellationToken)
    {
        foreach (var number in Staying(inboxes.Keys, DropoutStage.BeforeUpload))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!clients.ContainsKey(number))
            {
                clients[number] = NewClient(number);
            }

            var upload = Take(clients, number, clients[number].Upload(inboxes[number], InputOf(number), Workers));
            Deliver(coordinator, number, coordinator.ReceiveUpload(upload), upload.Header, [upload.Payload]);
        }

        var announced = coordinator.CloseUploads();
        if (!announced.IsAccepted)
        {
            return Outcome<AggregateSum>.Refused(announced.Refusal);
        }

        foreach (var number in Staying(announced.Value.Keys, DropoutStage.BeforeConfirming))
        {
            var message = Take(clients, number, clients[number].Confirm(announced.Value[number]));
            Deliver(coordinator, number, coordinator.ReceiveConfirmation(message), message, []);
        }

        var confirmations = coordinator.CloseConfirmations();
        if (!confirmations.IsAccepted)
        {
            return Outcome<AggregateSum>.Refused(confirmations.Refusal);
        }

        var confirmed = announced.Value.Keys.Where(number => clients[number].Stage == ClientStage.Confirmed);
        foreach (var number in Staying(confirmed, DropoutStage.BeforeUnmasking))
        {
            var unmasking = clients[number].Unmask(confirmations.Value);
            if (unmasking.IsAccepted)
            {
                var message = Take(clients, number, unmasking);
                Deliver(coordinator, number, coordinator.ReceiveUnmasking(message), message, []);
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        return coordinator.Finish();
    }

    private AggregationClient NewClient(int number) => new(_parameters, number, _identities[number], _random);

    private int[] Staying(IEnumerable<int> clients, DropoutStage stage) =>
        [.. clients.Where(client => DropoutOf(client) == DropoutStage.Never || DropoutOf(client) > stage).Order()];

    private TMessage Take<TMessage>(Dictionary<int, AggregationClient> clients, int number, Outcome<PendingRelease<TMessage>> step)
    {
        var pending = step.Required;
        if (RestartClients)
        {
            clients[number].Dispose();
            clients[number] = AggregationClient.Restore(pending.Snapshot.Span, _parameters, _identities[number], _random);
        }

        return pending.Release();
    }

    private void Deliver(AggregationCoordinator coordinator, int client, Refusal? refusal, ReadOnlyMemory<byte> frame, IReadOnlyList<ReadOnlyMemory<byte>> attachments)
    {
        if (refusal is not null)
        {
            throw new InvalidOperationException($"The coordinator refused an honest client: {refusal.Code}.");
        }

        var sizeBytes = frame.Length + attachments.Sum(attachment => (long)attachment.Length);
        _sentBytes[client] += sizeBytes;
        Record(new TranscriptEntry(coordinator.Stage, frame, attachments));
        Observe(new RoundProgress(coordinator.Stage, client, sizeBytes));
    }
}
