using System.CommandLine;
using FederatedDpLlm.Cli.Demo.Shards;
using FederatedDpLlm.Models.Sharding;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm shard</c>: one model over several nodes.</summary>
internal static class ShardCommand
{
    private static readonly Dictionary<string, ShardStrategy> Strategies = new(StringComparer.Ordinal)
    {
        ["none"] = ShardStrategy.None,
        ["layer"] = ShardStrategy.Layer,
        ["pipeline"] = ShardStrategy.Pipeline,
        ["attention"] = ShardStrategy.Attention,
        ["tensor"] = ShardStrategy.Tensor,
        ["tensor-pipeline"] = ShardStrategy.TensorPipeline,
    };

    public static Command Create() => new("shard", "One model over several nodes: every cut gives the same bits, and a lost node costs time only.") { Demo(), Inversion(), Serve() };

    private static Command Demo()
    {
        var strategy = new Option<string>("--strategy") { Description = "How the model is cut; 'none' runs it whole, for comparison.", DefaultValueFactory = _ => "tensor" };
        strategy.AcceptOnlyFromAmong([.. Strategies.Keys]);
        var degree = new Option<int>("--degree") { Description = "Shard processes, 1 to 8.", DefaultValueFactory = _ => 2 };
        var tokens = new Option<int>("--tokens") { Description = "Tokens to generate.", DefaultValueFactory = _ => 32 };
        var kill = new Option<int?>("--kill") { Description = "SIGKILL one shard after this token." };
        var spares = new Option<int?>("--spares") { Description = "Hot spares, 0 to 4. Default: 1 with --kill, else 0; with 0 the survivors are given a new plan." };
        var seed = new Option<int>("--seed") { Description = "Chooses which shard is killed.", DefaultValueFactory = _ => 1 };
        var json = JsonLine.Option();
        degree.Require(value => value is >= 1 and <= 8, "--degree is 1 to 8.");
        tokens.Require(value => value is >= 1 and <= 4096, "--tokens is 1 to 4096.");
        spares.Require(value => value is null or (>= 0 and <= 4), "--spares is 0 to 4.");
        var command = new Command("demo", "Runs the bundled model over real processes on this machine and compares every bit with the unsharded run.") { strategy, degree, tokens, kill, spares, seed, json };
        command.Require(
            result => result.GetValue(kill) is not { } after || (after >= 1 && after < result.GetValue(tokens) && result.GetValue(strategy) != "none"),
            "--kill names a token from 1 to one before the last, and there must be a shard to kill (a --strategy other than none).");
        command.SetAction((parsed, cancellationToken) =>
        {
            var after = parsed.GetValue(kill);
            var name = parsed.GetValue(strategy)!;
            var plan = new ShardDemo.Request(
                name, Strategies[name], Strategies[name] == ShardStrategy.None ? 1 : parsed.GetValue(degree), parsed.GetValue(tokens), after, parsed.GetValue(spares) ?? (after is null ? 0 : 1), parsed.GetValue(seed));
            return ShardDemo.RunAsync(plan, parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    private static Command Inversion()
    {
        var json = JsonLine.Option();
        var command = new Command("inversion", "Shows what a shard learns: recovers a prompt from the hidden states that the second half of the bundled model is sent.") { json };
        command.SetAction((parsed, cancellationToken) => InversionDemo.RunAsync(parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static Command Serve()
    {
        var configuration = new Option<string>("--config") { Description = "The shard's YAML file; 'fedllm shard demo' writes such files.", Required = true };
        var command = new Command("serve", "Lends this machine to a hospital's coordinator as a shard. Prints the port that it listens on.") { configuration };
        command.SetAction((parsed, cancellationToken) => ShardServe.RunAsync(parsed.GetRequiredValue(configuration), cancellationToken));
        return command;
    }
}
