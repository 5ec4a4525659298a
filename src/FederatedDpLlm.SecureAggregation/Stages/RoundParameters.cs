using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.KeyAgreement;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>
/// Everything that all parties of a round must agree on before it starts. Its digest is signed with every message and goes into every key, so that a
/// coordinator that shows two hospitals two models, rosters or privacy plans gets sums that do not add up.
/// Reference: Pasquini, Francati, Ateniese, "Eluding secure aggregation in federated learning via model inconsistency", arXiv:2111.07380.
/// </summary>
public sealed class RoundParameters
{
    /// <summary>The fewest clients of a round: a sum over fewer is too close to its parts.</summary>
    public const int FewestClients = 4;

    /// <summary>The most clients of a round: sums of 16-bit values then fit the 26-bit slots.</summary>
    public const int MostClients = 1024;

    /// <summary>The most values of an update.</summary>
    public const int LongestVector = 1_000_000_000;

    private const int FormatVersion = 1;
    private readonly byte[][] _roster;
    private readonly byte[] _digest;

    /// <param name="task">What is trained, at most 128 characters.</param>
    /// <param name="round">The round's number in its task; a number is never used twice.</param>
    /// <param name="mode">How updates are hidden.</param>
    /// <param name="vectorLength">The number of values in every update.</param>
    /// <param name="valueBits">The width of one signed value, 2 to 21 bits: values lie in [-2^(b-1), 2^(b-1)).</param>
    /// <param name="roster">The Ed25519 public keys of the clients, in the order of their numbers.</param>
    /// <param name="modelHash">SHA-256 of the model that the updates refer to.</param>
    /// <param name="privacyPlanHash">SHA-256 of the privacy parameters (clip norm, noise, accounting).</param>
    /// <param name="minimumSurvivors">The fewest uploads a sum is made of, from <see cref="LeastSurvivors(int, AggregationMode, double, double)"/> on; null for max(4, ceil(2n/3)), or that floor where it is higher.</param>
    /// <param name="corruptFraction">
    /// Clients that may collude with the coordinator: above 64 clients the graph follows from it, below it is at most about a third (in the committee mode, of the committee).
    /// </param>
    /// <param name="dropoutFraction">Clients that may drop out, where the graph is sparse.</param>
    /// <param name="acceptUnreviewedCryptography">
    /// Must be true for <see cref="AggregationMode.Homomorphic"/> and <see cref="AggregationMode.Committee"/>: whoever sets it has read their warnings. Every
    /// party decides for itself; it is not part of what is agreed on.
    /// </param>
    public RoundParameters(
        string task,
        long round,
        AggregationMode mode,
        int vectorLength,
        int valueBits,
        IReadOnlyList<ReadOnlyMemory<byte>> roster,
        ReadOnlyMemory<byte> modelHash,
        ReadOnlyMemory<byte> privacyPlanHash,
        int? minimumSurvivors = null,
        double corruptFraction = 0.1,
        double dropoutFraction = 0.1,
        bool acceptUnreviewedCryptography = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(task);
        ArgumentNullException.ThrowIfNull(roster);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(task.Length, 128, nameof(task));
        ArgumentOutOfRangeException.ThrowIfNegative(round);
        ArgumentOutOfRangeException.ThrowIfLessThan(vectorLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(vectorLength, LongestVector);
        ArgumentOutOfRangeException.ThrowIfLessThan(valueBits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(valueBits, 21);
        ArgumentOutOfRangeException.ThrowIfLessThan(roster.Count, FewestClients, nameof(roster));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(roster.Count, MostClients, nameof(roster));
        if (!Enum.IsDefined(mode))
        {
            throw new ArgumentOutOfRangeException(nameof(mode));
        }

        if (mode != AggregationMode.Mask && !acceptUnreviewedCryptography)
        {
            throw new ArgumentException($"The mode {mode} rests on cryptography that nobody outside has reviewed; accept that explicitly, or use {AggregationMode.Mask}.", nameof(mode));
        }

        (Task, Round, Mode, VectorLength, ValueBits) = (task, round, mode, vectorLength, valueBits);
        _roster = [.. roster.Select(key => Exactly(key, HospitalIdentity.PublicKeySizeBytes, nameof(roster)))];
        if (_roster.Select(Convert.ToHexString).Distinct().Count() != _roster.Length)
        {
            throw new ArgumentException("A key stands on the roster twice.", nameof(roster));
        }

        ModelHash = Exactly(modelHash, 32, nameof(modelHash));
        PrivacyPlanHash = Exactly(privacyPlanHash, 32, nameof(privacyPlanHash));
        Sharing = SharingParameters.For(Dealers, corruptFraction, dropoutFraction);
        var least = LeastSurvivors(roster.Count, Dealers, Sharing, corruptFraction);
        MinimumSurvivors = minimumSurvivors ?? Math.Max(Math.Max(FewestClients, ((2 * roster.Count) + 2) / 3), least);
        ArgumentOutOfRangeException.ThrowIfLessThan(MinimumSurvivors, least, nameof(minimumSurvivors));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MinimumSurvivors, roster.Count, nameof(minimumSurvivors));
        (CorruptFraction, DropoutFraction) = (corruptFraction, dropoutFraction);
        _digest = SHA256.HashData(Encode());
    }

    /// <summary>What is trained.</summary>
    public string Task { get; }

    /// <summary>The round's number.</summary>
    public long Round { get; }

    /// <summary>How updates are hidden.</summary>
    public AggregationMode Mode { get; }

    /// <summary>The number of values in an update.</summary>
    public int VectorLength { get; }

    /// <summary>The width of one signed value.</summary>
    public int ValueBits { get; }

    /// <summary>The width of one value of the sum.</summary>
    public int SumBits => ValueBits + BitsFor(Clients);

    /// <summary>The number of clients on the roster.</summary>
    public int Clients => _roster.Length;

    /// <summary>
    /// How many clients advertise keys and deal shares: all, or in the committee mode the committee, the first 12 of the roster. The roster's order is part of
    /// what everybody agreed on, so a coordinator cannot choose the committee afterwards.
    /// </summary>
    public int Dealers => DealersOf(Clients, Mode);

    /// <summary>SHA-256 of the model.</summary>
    public ReadOnlyMemory<byte> ModelHash { get; }

    /// <summary>SHA-256 of the privacy parameters.</summary>
    public ReadOnlyMemory<byte> PrivacyPlanHash { get; }

    /// <summary>The fewest uploads a sum is made of.</summary>
    public int MinimumSurvivors { get; }

    /// <summary>The fraction of clients that may collude with the coordinator.</summary>
    public double CorruptFraction { get; }

    /// <summary>The fraction of clients that may drop out.</summary>
    public double DropoutFraction { get; }

    /// <summary>Degree and threshold of the sharing.</summary>
    public SharingParameters Sharing { get; }

    /// <summary>SHA-256 of all of the above.</summary>
    public ReadOnlySpan<byte> Digest => _digest;

    /// <summary>
    /// The floor of <see cref="MinimumSurvivors"/>: two updates more than may collude, so that no sum is one honest hospital's update; where everybody shares with
    /// everybody also the threshold, without which nothing opens; else four.
    /// </summary>
    public static int LeastSurvivors(int clients, AggregationMode mode, double corruptFraction, double dropoutFraction)
    {
        var dealers = DealersOf(clients, mode);
        return LeastSurvivors(clients, dealers, SharingParameters.For(dealers, corruptFraction, dropoutFraction), corruptFraction);
    }

    /// <summary>Whether a client is one of the <see cref="Dealers"/>; the others send one message, their upload.</summary>
    public bool IsDealer(int client) => client < Dealers;

    /// <summary>A client's public key.</summary>
    public ReadOnlySpan<byte> KeyOf(int client) => _roster[client];

    /// <summary>
    /// Reads what <see cref="Encode"/> wrote; null where it is no valid set of parameters, or one of a mode that needs <paramref name="acceptUnreviewedCryptography"/>.
    /// </summary>
    public static RoundParameters? TryDecode(ReadOnlySpan<byte> encoded, bool acceptUnreviewedCryptography = false)
    {
        var reader = new WireReader(encoded);
        var version = reader.Int32();
        var task = reader.Text(128 * 4);
        var (round, mode, length, bits) = (reader.Int64(), (AggregationMode)reader.Int32(), reader.Int32(), reader.Int32());
        var (model, plan) = (reader.Bytes(32).ToArray(), reader.Bytes(32).ToArray());
        var (minimum, corrupt, dropout, clients) = (reader.Int32(), reader.Double(), reader.Double(), reader.Int32());
        if (reader.IsBroken || version != FormatVersion || clients is < FewestClients or > MostClients || reader.Remaining != clients * HospitalIdentity.PublicKeySizeBytes)
        {
            return null;
        }

        var roster = new ReadOnlyMemory<byte>[clients];
        for (var i = 0; i < clients; i++)
        {
            roster[i] = reader.Bytes(HospitalIdentity.PublicKeySizeBytes).ToArray();
        }

        try
        {
            return new RoundParameters(task, round, mode, length, bits, roster, model, plan, minimum, corrupt, dropout, acceptUnreviewedCryptography);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The canonical encoding, of which <see cref="Digest"/> is the hash.</summary>
    public byte[] Encode()
    {
        var writer = new WireWriter();
        writer.Int32(FormatVersion);
        writer.Text(Task);
        writer.Int64(Round);
        writer.Int32((int)Mode);
        writer.Int32(VectorLength);
        writer.Int32(ValueBits);
        writer.Bytes(ModelHash.Span);
        writer.Bytes(PrivacyPlanHash.Span);
        writer.Int32(MinimumSurvivors);
        writer.Double(CorruptFraction);
        writer.Double(DropoutFraction);
        writer.Int32(Clients);
        foreach (var key in _roster)
        {
            writer.Bytes(key);
        }

        return writer.ToArray();
    }

    /// <summary>The fewest that have to advertise and to deal.</summary>
    internal int FewestDealers => Mode == AggregationMode.Committee ? Sharing.Threshold : Math.Max(MinimumSurvivors, Sharing.Threshold);

    private static int LeastSurvivors(int clients, int dealers, SharingParameters sharing, double corruptFraction) =>
        Math.Max(SharingParameters.CountOf(corruptFraction, clients) + 2, sharing.IsComplete && dealers == clients ? sharing.Threshold : FewestClients);

    private static int DealersOf(int clients, AggregationMode mode) => mode == AggregationMode.Committee ? Math.Min(clients, CommitteeParameters.MostMembers) : clients;

    internal static int BitsFor(int clients) => clients <= 1 ? 0 : 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)clients - 1);

    private static byte[] Exactly(ReadOnlyMemory<byte> bytes, int length, string name) =>
        bytes.Length == length ? bytes.ToArray() : throw new ArgumentException($"{length} bytes are expected, not {bytes.Length}.", name);
}
