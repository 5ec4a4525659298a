using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Simulation;
using FederatedDpLlm.SecureAggregation.Stages;
using FederatedDpLlm.SecureAggregation.Transcripts;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>A round between real clients and a real coordinator in this process, checked against the sum in the clear.</summary>
internal static class AggregationDemo
{
    private const int ValueBits = 16;

    /// <summary>The modes by their names on the command line.</summary>
    internal static readonly SortedDictionary<string, AggregationMode> Modes = new(StringComparer.Ordinal)
    {
        ["mask"] = AggregationMode.Mask,
        ["homomorphic"] = AggregationMode.Homomorphic,
        ["committee"] = AggregationMode.Committee,
    };

    /// <summary>The updates depend on seed, clients and parameters alone, who drops out on the seed.</summary>
    internal sealed record Plan(int Clients, int Parameters, int Drop, string Mode, long Seed, FileInfo? Transcript = null);

    public static int Run(Plan plan, bool json, CancellationToken cancellationToken)
    {
        if (Modes[plan.Mode] != AggregationMode.Mask)
        {
            Console.Error.WriteLine($"Warning: the lattice encryption of mode {plan.Mode} was not reviewed by a cryptographer. The demo accepts it for its made-up updates; a real party opts in for itself.");
        }

        using var random = new SecureRandom();
        var identities = Enumerable.Range(0, plan.Clients).Select(_ => NewIdentity(random)).ToList();
        var parameters = new RoundParameters(
            "aggregation demo", 1, Modes[plan.Mode], plan.Parameters, ValueBits, [.. identities.Select(identity => identity.PublicKey)],
            SHA256.HashData("demo model"u8), SHA256.HashData("demo privacy plan"u8), acceptUnreviewedCryptography: true);
        using var file = plan.Transcript?.Create();
        var writer = file is null ? null : new TranscriptWriter(file, parameters);
        var dropped = Dropped(plan);
        var seen = new SortedDictionary<CoordinatorStage, (int Messages, long Bytes)>();
        var round = new InProcessRound(parameters, identities, random)
        {
            InputOf = client => Input(plan, client),
            DropoutOf = client => dropped.Contains(client) ? DropoutStage.BeforeUpload : DropoutStage.Never,
            Workers = Environment.ProcessorCount,
            Observe = message => Observe(seen, message),
            Record = entry => writer?.Append(entry),
        };
        var started = TimeProvider.System.GetTimestamp();
        var outcome = round.Run(cancellationToken);
        var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        if (writer is not null)
        {
            using var coordinator = NewIdentity(random);
            writer.Seal(outcome, coordinator);
            Console.Error.WriteLine($"\nTranscript: {plan.Transcript!.FullName}, parameters {Convert.ToHexStringLower(parameters.Digest)}, sealed by {Convert.ToHexStringLower(coordinator.PublicKey.Span)}");
        }

        identities.ForEach(identity => identity.Dispose());
        Console.Error.WriteLine();
        return outcome.IsAccepted ? Report(plan, dropped, outcome.Value, seen, round.SentBytes.Max(), seconds, json) : Refused(outcome.Refusal, parameters);
    }

    private static int Report(
        Plan plan, IReadOnlyCollection<int> dropped, AggregateSum sum, SortedDictionary<CoordinatorStage, (int Messages, long Bytes)> seen, long bytesPerClient, double seconds, bool json)
    {
        var exact = PlaintextSum(plan, sum.Survivors).AsSpan().SequenceEqual(sum.Values.Span);
        var hash = Hash(sum.Values.Span);
        var sees = seen.Select(stage => string.Create(CultureInfo.InvariantCulture, $"{stage.Key}: {stage.Value.Messages} messages, {stage.Value.Bytes} bytes, {Meaning(stage.Key, plan.Mode)}"))
            .Append("the sum of " + sum.Survivors.Count + " updates").ToList();
        if (json)
        {
            JsonLine.Write(new { mode = plan.Mode, clients = plan.Clients, parameters = plan.Parameters, dropped, exact, sumSha256 = hash, seconds, bytesPerClient, coordinatorSees = sees });
            return exact ? ExitCode.Good : ExitCode.Bad;
        }

        Console.WriteLine("What the coordinator saw:");
        sees.ForEach(line => Console.WriteLine("  " + line));
        Console.WriteLine($"Dropped out before their upload: {(dropped.Count == 0 ? "nobody" : string.Join(", ", dropped))}");
        Console.WriteLine(exact ? "The sum is the plaintext sum of the survivors, bit for bit." : "THE SUM IS WRONG.");
        Console.WriteLine($"SHA-256 of the sum (int64, little-endian): {hash}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bytesPerClient} bytes a client, {seconds:F2} s in all"));
        return exact ? ExitCode.Good : ExitCode.Bad;
    }

    private static int Refused(Refusal refusal, RoundParameters parameters)
    {
        Console.Error.WriteLine(
            $"No sum: {refusal.Code}. This round needs {Math.Max(parameters.MinimumSurvivors, parameters.Sharing.Threshold)} of {parameters.Clients} hospitals to the end.");
        return ExitCode.Bad;
    }

    private static void Observe(SortedDictionary<CoordinatorStage, (int Messages, long Bytes)> seen, RoundProgress message)
    {
        var (messages, bytes) = seen.GetValueOrDefault(message.Stage);
        seen[message.Stage] = (messages + 1, bytes + message.SizeBytes);
        Console.Error.Write($"\r{message.Stage}: {messages + 1} messages    ");
    }

    private static string Meaning(CoordinatorStage stage, string mode) => stage switch
    {
        CoordinatorStage.Advertisements => "public keys",
        CoordinatorStage.Sharings when mode == "committee" => "parts of the committee's public key, and shares encrypted to its members",
        CoordinatorStage.Sharings => "hiding commitments, and shares encrypted to the neighbours",
        CoordinatorStage.Uploads when mode == "committee" => "encrypted updates, added without decryption, and their keys encrypted to the committee",
        CoordinatorStage.Unmaskings when mode == "committee" => "the members' flooded answers about the sum of the keys, one each",
        CoordinatorStage.Uploads when mode == "homomorphic" => "encrypted updates, added without decryption, and their keys under masks",
        CoordinatorStage.Uploads => "updates under masks: uniformly random to it",
        CoordinatorStage.Confirmations => "signatures on who survived",
        _ => "shares of the survivors' own masks and of the dropped hospitals' seeds, never both of one",
    };

    private static HospitalIdentity NewIdentity(ISecureRandom random)
    {
        Span<byte> seed = stackalloc byte[32];
        random.Fill(seed);
        var identity = new HospitalIdentity(seed);
        CryptographicOperations.ZeroMemory(seed);
        return identity;
    }

    private static int[] Dropped(Plan plan) =>
        [.. Enumerable.Range(0, plan.Clients).OrderBy(client => Convert.ToHexString(Material("dropped"u8, plan.Seed, client, 0, 0)), StringComparer.Ordinal).Take(plan.Drop).Order()];

    // Public, reproducible values: AES in counter mode from the seed, 16 signed bits each.
    private static int[] Input(Plan plan, int client)
    {
        using var aes = Aes.Create();
        aes.SetKey(Material("update"u8, plan.Seed, client, plan.Clients, plan.Parameters).AsSpan(0, 16));
        var blocks = new byte[(plan.Parameters + 7) / 8 * 16];
        for (var i = 0; i < blocks.Length; i += 16)
        {
            BinaryPrimitives.WriteInt32LittleEndian(blocks.AsSpan(i), i / 16);
        }

        var stream = MemoryMarshal.Cast<byte, short>(aes.EncryptEcb(blocks, PaddingMode.None).AsSpan());
        var values = new int[plan.Parameters];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = stream[i];
        }

        return values;
    }

    private static byte[] Material(ReadOnlySpan<byte> purpose, long seed, int client, int clients, int parameters)
    {
        Span<byte> input = stackalloc byte[40];
        input.Clear();
        purpose.CopyTo(input);
        BinaryPrimitives.WriteInt64LittleEndian(input[16..], seed);
        BinaryPrimitives.WriteInt32LittleEndian(input[24..], client);
        BinaryPrimitives.WriteInt32LittleEndian(input[28..], clients);
        BinaryPrimitives.WriteInt32LittleEndian(input[32..], parameters);
        return SHA256.HashData(input);
    }

    private static int[] PlaintextSum(Plan plan, IEnumerable<int> survivors)
    {
        var sum = new int[plan.Parameters];
        foreach (var survivor in survivors)
        {
            var input = Input(plan, survivor);
            for (var i = 0; i < sum.Length; i++)
            {
                sum[i] += input[i];
            }
        }

        return sum;
    }

    private static string Hash(ReadOnlySpan<int> sum)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> value = stackalloc byte[8];
        foreach (var one in sum)
        {
            BinaryPrimitives.WriteInt64LittleEndian(value, one);
            hash.AppendData(value);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
