using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.Cli.Commands;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Models;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Security.Certificates;
using Microsoft.Extensions.Logging.Abstractions;

namespace FederatedDpLlm.Cli.Demo.Shards;

/// <summary>The bundled model and one fixed prompt over real processes, every logit compared with the unsharded engine's.</summary>
internal static class ShardDemo
{
    private const string Prompt = "Patient with chest pain since two hours, short of breath, blood pressure 160 over 95. Which department";
    private const string Federation = "shard-demo";
    private const string Hospital = "hospital-a";
    private const string Zone = "hospital-a";

    internal sealed record Request(string Name, ShardStrategy Strategy, int Degree, int Tokens, int? KillAfter, int Spares, int Seed);

    private sealed record Run(List<int> Tokens, List<float[]> Logits, IReadOnlyList<int> Pids, int? KilledPid, double? StallMilliseconds);

    public static async Task<int> RunAsync(Request request, bool json, CancellationToken cancellationToken)
    {
        var model = LanguageModel.Load(BundledModel.Folder);
        int[] prompt = [.. model.Tokenizer.BeginToken is { } begin ? [begin] : Array.Empty<int>(), .. model.Tokenizer.Encode(Prompt)];
        if (prompt.Length + request.Tokens > model.Configuration.Context)
        {
            throw new ShardPlanException($"The prompt's {prompt.Length} tokens and --tokens {request.Tokens} are more than the model's context of {model.Configuration.Context}.");
        }

        var whole = Whole(model, prompt, request.Tokens, cancellationToken);
        var run = request.Strategy == ShardStrategy.None && request.KillAfter is null ? whole : await CutAsync(request, prompt, cancellationToken);
        return Report(request, run, whole, json);
    }

    private static Run Whole(LanguageModel model, int[] prompt, int count, CancellationToken cancellationToken)
    {
        using var batch = model.OpenBatch([prompt], cancellationToken);
        var run = new Run([], [], [Environment.ProcessId], null, null);
        while (true)
        {
            run.Logits.Add(batch.Logits(0).ToArray());
            run.Tokens.Add(TokenSampler.Largest(batch.Logits(0)));
            if (run.Tokens.Count == count)
            {
                return run;
            }

            batch.Append(run.Tokens[^1], cancellationToken);
        }
    }

    private static async Task<Run> CutAsync(Request request, int[] prompt, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("fedllm-shards-");
        var processes = new List<ShardProcess>();
        try
        {
            using var authority = FederationAuthority.Create(Federation, TimeProvider.System);
            using var credentials = authority.IssueInto(Path.Combine(folder.FullName, "coordinator"), PeerIdentity.Coordinator(Federation, Hospital));
            var names = Enumerable.Range(0, request.Degree).Select(shard => $"shard-{shard}").Concat(Enumerable.Range(0, request.Spares).Select(spare => $"spare-{spare}"));
            processes.AddRange(await Task.WhenAll(names.Select(name => ShardProcess.StartAsync(folder.FullName, authority, Hospital, name, Zone, BundledModel.Folder, cancellationToken))));
            var options = new ShardClusterOptions
            {
                Federation = Federation, Model = BundledModel.Folder, Zones = TrustZones.Only(Zone), Strategy = request.Strategy,

                // All processes share this machine: they count as equally fast, so that a degree means what it says.
                Measure = false,
                Nodes = [.. processes.Take(request.Degree).Select(process => process.Endpoint)], Spares = [.. processes.Skip(request.Degree).Select(process => process.Endpoint)],
            };
            using var cluster = await ShardCluster.StartAsync(
                options, ShardedModel.Load(BundledModel.Folder), credentials, (_, _) => Task.CompletedTask, TimeProvider.System, NullLogger<ShardCluster>.Instance, cancellationToken);
            return await GenerateAsync(request, cluster, processes[..request.Degree], prompt, cancellationToken);
        }
        finally
        {
            processes.ForEach(process => process.Dispose());
            folder.Delete(recursive: true);
        }
    }

    private static async Task<Run> GenerateAsync(Request request, ShardCluster cluster, List<ShardProcess> shards, int[] prompt, CancellationToken cancellationToken)
    {
        using var session = cluster.Open("shard-demo", "demo");
        var run = new Run([], [], [.. shards.Select(shard => shard.ProcessId)], null, null);
        ReadOnlyMemory<int> next = prompt;
        var killedAt = 0L;
        while (true)
        {
            run.Logits.Add(await session.AppendAsync(next, cancellationToken));
            run.Tokens.Add(TokenSampler.Largest(run.Logits[^1]));
            Console.Error.Write($"\r{run.Tokens.Count} of {request.Tokens} tokens");
            if (run.KilledPid is not null && run.StallMilliseconds is null)
            {
                run = run with { StallMilliseconds = Math.Round(TimeProvider.System.GetElapsedTime(killedAt).TotalMilliseconds, 1) };
                Console.Error.WriteLine($"\nProcess {run.KilledPid} was killed; epoch {cluster.Plan.Epoch}, the next token came after {run.StallMilliseconds} ms.");
            }

            if (run.Tokens.Count == request.Tokens)
            {
                Console.Error.WriteLine();
                return run;
            }

            if (run.Tokens.Count == request.KillAfter)
            {
                var victim = shards[Choose(request, shards.Count)];
                killedAt = TimeProvider.System.GetTimestamp();
                victim.Kill();
                run = run with { KilledPid = victim.ProcessId };
            }

            next = new[] { run.Tokens[^1] };
        }
    }

    private static int Choose(Request request, int shards) => SHA256.HashData(BitConverter.GetBytes(request.Seed))[0] % shards;

    private static int Report(Request request, Run run, Run whole, bool json)
    {
        var bitEqual = run.Logits.Count == whole.Logits.Count && run.Logits.Zip(whole.Logits).All(pair => MemoryMarshal.AsBytes(pair.First.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(pair.Second.AsSpan())));
        var lost = whole.Tokens.Count - run.Tokens.Count;
        var changed = run.Tokens.Zip(whole.Tokens).Count(pair => pair.First != pair.Second);
        var hash = Hash(run.Logits);
        if (json)
        {
            JsonLine.Write(new
            {
                strategy = request.Name, degree = request.Degree, model = BundledModel.Name, bitEqual, tokenIds = run.Tokens, logitsSha256 = hash, pids = run.Pids,
                killedPid = run.KilledPid, tokensLost = lost, tokensChanged = changed, stallMilliseconds = run.StallMilliseconds,
            });
        }
        else
        {
            Console.WriteLine($"{run.Tokens.Count} tokens by '{request.Name}' over {run.Pids.Count} process(es), {lost} lost, {changed} changed.");
            Console.WriteLine(bitEqual ? "Every logit has the bits of the unsharded run." : "THE LOGITS DIFFER FROM THE UNSHARDED RUN.");
            Console.WriteLine($"SHA-256 of the logits (float32, little-endian): {hash}");
        }

        return bitEqual && lost == 0 && changed == 0 ? ExitCode.Good : ExitCode.Bad;
    }

    private static string Hash(IEnumerable<float[]> logits)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var step in logits)
        {
            hash.AppendData(MemoryMarshal.AsBytes(step.AsSpan()));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
