using System.Diagnostics;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.Benchmarks.Aggregation;

/// <summary>A round in one process with a clock around every step; the last clients drop out before their upload.</summary>
internal sealed class MeasuredRound : IDisposable
{
    private readonly SecureRandom _random = new();
    private readonly List<HospitalIdentity> _identities = [];
    private readonly int _dropped;
    private readonly int[] _values;

    public MeasuredRound(int clients, int length, int dropped)
    {
        _dropped = dropped;
        var seed = new byte[32];
        for (var client = 0; client < clients; client++)
        {
            _random.Fill(seed);
            _identities.Add(new HospitalIdentity(seed));
        }

        Parameters = new RoundParameters(
            "benchmark", 1, AggregationMode.Mask, length, valueBits: 16, [.. _identities.Select(identity => identity.PublicKey)],
            SHA256.HashData("model"u8), SHA256.HashData("plan"u8));
        _values = new int[length];
        for (var i = 0; i < length; i++)
        {
            _values[i] = (i % 65536) - 32768;
        }

        ClientSeconds = [.. Enumerable.Range(0, clients).Select(_ => new double[5])];
    }

    public RoundParameters Parameters { get; }

    /// <summary>Processor seconds of the calling thread, per client: advertise, share keys, upload, confirm, unmask.</summary>
    public double[][] ClientSeconds { get; }

    /// <summary>Processor seconds of taking the sharings (signature, decoding, degree of the commitments).</summary>
    public double ReceiveSharingSeconds { get; private set; }

    /// <summary>Of taking the uploads (signature, hash, addition).</summary>
    public double ReceiveUploadSeconds { get; private set; }

    /// <summary>Of restoring secrets and taking the masks off.</summary>
    public double UnmaskSeconds { get; private set; }

    /// <summary>Processor seconds of the same on the calling thread, which is all of it with one worker.</summary>
    public double UnmaskThreadSeconds { get; private set; }

    /// <summary>Of everything.</summary>
    public double TotalSeconds { get; private set; }

    /// <summary>Runs the round and checks the sum.</summary>
    public void Run(int workers, CancellationToken cancellationToken)
    {
        var total = Stopwatch.StartNew();
        var coordinator = new AggregationCoordinator(Parameters, workers);
        var clients = _identities.Select((identity, number) => new AggregationClient(Parameters, number, identity, _random)).ToList();
        foreach (var client in clients)
        {
            Accept(coordinator.ReceiveAdvertisement(Step(client, 0, client.Advertise)));
        }

        var advertisements = coordinator.CloseAdvertisements().Required;
        foreach (var client in clients)
        {
            var sharing = Step(client, 1, () => client.ShareKeys(advertisements));
            var started = ThreadTime.Seconds;
            Accept(coordinator.ReceiveSharing(sharing));
            ReceiveSharingSeconds += ThreadTime.Seconds - started;
        }

        var inboxes = coordinator.CloseSharings().Required;
        var staying = clients.Take(clients.Count - _dropped).ToList();
        foreach (var client in staying)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var upload = Step(client, 2, () => client.Upload(inboxes[client.Self], _values, workers));
            ReceiveUploadSeconds += Best.Once(() => Accept(coordinator.ReceiveUpload(upload)));
        }

        var announced = coordinator.CloseUploads().Required;
        foreach (var client in staying)
        {
            Accept(coordinator.ReceiveConfirmation(Step(client, 3, () => client.Confirm(announced[client.Self]))));
        }

        var confirmations = coordinator.CloseConfirmations().Required;
        foreach (var client in staying)
        {
            Accept(coordinator.ReceiveUnmasking(Step(client, 4, () => client.Unmask(confirmations))));
        }

        AggregateSum? sum = null;
        var unmaskStarted = ThreadTime.Seconds;
        UnmaskSeconds = Best.Once(() => sum = coordinator.Finish().Required);
        UnmaskThreadSeconds = ThreadTime.Seconds - unmaskStarted;
        TotalSeconds = total.Elapsed.TotalSeconds;
        clients.ForEach(client => client.Dispose());
        Check(sum!.Values.Span, staying.Count);
    }

    public void Dispose()
    {
        _identities.ForEach(identity => identity.Dispose());
        _random.Dispose();
    }

    private TMessage Step<TMessage>(AggregationClient client, int stage, Func<Outcome<PendingRelease<TMessage>>> step)
    {
        var started = ThreadTime.Seconds;
        var message = step().Required.Release();
        ClientSeconds[client.Self][stage] = ThreadTime.Seconds - started;
        return message;
    }

    private void Check(ReadOnlySpan<int> sum, int survivors)
    {
        for (var i = 0; i < sum.Length; i++)
        {
            if (sum[i] != survivors * _values[i])
            {
                throw new InvalidOperationException("The sum is wrong: this figure is worth nothing.");
            }
        }
    }

    private static void Accept(Refusal? refusal)
    {
        if (refusal is not null)
        {
            throw new InvalidOperationException($"Refused: {refusal.Code}.");
        }
    }
}
