using System.CommandLine;
using FederatedDpLlm.SecureAggregation.Transcripts;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm aggregation verify TRANSCRIPT</c>: an auditor replays a round offline.</summary>
internal static class AggregationVerify
{
    private const int EndedWithoutSum = 3;

    public static Command Create()
    {
        var file = new Argument<FileInfo>("transcript") { Description = "The file that the round's coordinator wrote." };
        var parameters = new Option<string>("--parameters-digest") { Description = "The digest (hexadecimal) that the round's parameters must have: roster, model, privacy plan.", DefaultValueFactory = _ => "" };
        var coordinator = new Option<string>("--coordinator-key") { Description = "The key (hexadecimal) that must have sealed the transcript.", DefaultValueFactory = _ => "" };
        var json = JsonLine.Option();
        parameters.Validators.Add(RequireHex);
        coordinator.Validators.Add(RequireHex);
        var command = new Command(
            "verify",
            "Replays a transcript offline: signatures, commitments, quorum, Merkle roots and the exact sum. The verdict is 'authenticated' where --parameters-digest and --coordinator-key were "
            + "given and found; without them 'consistent', which anybody can make a file be. Exit code 0 authenticated or consistent, 1 invalid, 2 no file to read, 3 a round that ended without a sum.")
        {
            file, parameters, coordinator, json,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(file), Convert.FromHexString(parsed.GetRequiredValue(parameters)), Convert.FromHexString(parsed.GetRequiredValue(coordinator)), parsed.GetValue(json)));
        return command;
    }

    private static int Run(FileInfo file, byte[] parameters, byte[] coordinator, bool json)
    {
        using var source = file.OpenRead();
        Console.Error.WriteLine($"Replaying {file.Name}, {file.Length} bytes ...");
        return Show(TranscriptAudit.Run(source, parameters, coordinator, Environment.ProcessorCount), json);
    }

    private static int Show(TranscriptReport report, bool json)
    {
        if (json)
        {
            WriteJson(report);
        }
        else
        {
            Console.WriteLine(Headline(report));
            WriteDetails(report);
        }

        return report.Verdict switch
        {
            TranscriptVerdict.Invalid => ExitCode.Bad,
            TranscriptVerdict.EndedWithoutSum => EndedWithoutSum,
            _ => ExitCode.Good,
        };
    }

    private static void WriteJson(TranscriptReport report) => JsonLine.Write(new
    {
        verdict = report.Verdict switch
        {
            TranscriptVerdict.Authenticated => "authenticated",
            TranscriptVerdict.Consistent => "consistent",
            TranscriptVerdict.EndedWithoutSum => "ended-without-sum",
            _ => "invalid",
        },
        valid = report.Verdict is TranscriptVerdict.Consistent or TranscriptVerdict.Authenticated,
        authenticated = report.IsExpected,
        fault = report.Fault?.ToString(),
        refusal = report.Detail?.Code.ToString(),
        blamed = report.Detail?.Blamed is { } blamed ? [blamed] : report.Seal?.Blamed ?? [],
        entry = report.Entry,
        task = report.Parameters?.Task,
        round = report.Parameters?.Round,
        mode = report.Parameters?.Mode.ToString().ToLowerInvariant(),
        clients = report.Parameters?.Clients,
        survivors = report.Seal?.Survivors,
        outcome = report.Seal is null ? null : report.Seal.Refusal?.ToString() ?? "sum",
        sumSha256 = report.Seal is { Refusal: null } ? Hex(report.Seal.SumHash) : null,
        uploadRoot = Hex(report.UploadRoot),
        head = report.Seal is { } seal ? Hex(seal.Root) : null,
        parametersDigest = report.Parameters is { } read ? Convert.ToHexStringLower(read.Digest) : null,
        coordinatorKey = Hex(report.CoordinatorKey),
    });

    private static string Headline(TranscriptReport report) => report.Verdict switch
    {
        TranscriptVerdict.Authenticated => "Authenticated: the round of these hospitals, as this coordinator sealed it, replayed to its sum.",
        TranscriptVerdict.Consistent =>
            "Consistent, NOT AUTHENTICATED: the file agrees with itself, as one that somebody made up would. Give --parameters-digest and --coordinator-key, known from elsewhere, to see whose round it is.",
        TranscriptVerdict.EndedWithoutSum =>
            $"Ended without a sum ({report.Seal!.Refusal}){(report.IsExpected ? "" : ", not authenticated")}: a coordinator that leaves the later messages out can make any round look so. Compare the head below with the one that the hospitals were shown.",
        _ => $"NOT VALID: {report.Fault}{(report.Detail is { } detail ? $" ({detail.Code}{(detail.Blamed is { } client ? $", client {client}" : "")})" : "")} after {report.Entry} entries.",
    };

    private static void WriteDetails(TranscriptReport report)
    {
        if (report is not { Fault: null, Parameters: { } parameters, Seal: { } seal })
        {
            return;
        }

        Console.WriteLine($"Task '{parameters.Task}', round {parameters.Round}, {parameters.Clients} hospitals, {report.Entry} messages.");
        if (seal.Refusal is null)
        {
            Console.WriteLine($"The sum of {seal.Survivors.Count} updates, recomputed from the messages: SHA-256 {Hex(seal.SumHash)}");
        }

        Console.WriteLine($"Blamed: {(seal.Blamed.Count == 0 ? "nobody" : string.Join(", ", seal.Blamed))}");
        Console.WriteLine($"Merkle root of the uploads, signed by the hospitals: {Hex(report.UploadRoot) ?? "none, the round ended before"}");
        Console.WriteLine($"Head, the Merkle root of all messages (one round has one): {Hex(seal.Root)}");
        Console.WriteLine($"Digest of the parameters (--parameters-digest): {Convert.ToHexStringLower(parameters.Digest)}");
        Console.WriteLine($"Sealed by (--coordinator-key): {Hex(report.CoordinatorKey)}");
    }

    private static string? Hex(ReadOnlyMemory<byte> bytes) => bytes.IsEmpty ? null : Convert.ToHexStringLower(bytes.Span);

    private static void RequireHex(System.CommandLine.Parsing.OptionResult result)
    {
        var text = result.Tokens.Count == 0 ? "" : result.Tokens[0].Value;
        if (text.Length is not (0 or 64) || text.Any(character => !char.IsAsciiHexDigit(character)))
        {
            result.AddError($"{result.Option.Name} is 64 hexadecimal digits.");
        }
    }
}
