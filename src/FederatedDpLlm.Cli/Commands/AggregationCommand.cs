using System.CommandLine;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm aggregation demo</c>: a round of secure aggregation on this machine, beside the plaintext sum.</summary>
internal static class AggregationCommand
{
    public static Command Create() => new("aggregation", "Secure aggregation: the coordinator learns the sum of the hospitals' updates and nothing else.") { Demo(), AggregationVerify.Create() };

    private static Command Demo()
    {
        var clients = new Option<int>("--clients") { Description = "Hospitals, 4 to 1024.", DefaultValueFactory = _ => 16 };
        var parameters = new Option<int>("--parameters") { Description = "Values in an update.", DefaultValueFactory = _ => 1_000_000 };
        var drop = new Option<int>("--drop") { Description = "Hospitals that drop out before their upload.", DefaultValueFactory = _ => 3 };
        var mode = new Option<string>("--mode") { Description = "How updates are hidden: mask (default, standard assumptions), homomorphic or committee (lattice encryption, not reviewed outside).", DefaultValueFactory = _ => "mask" };
        mode.AcceptOnlyFromAmong([.. AggregationDemo.Modes.Keys]);
        var seed = new Option<long>("--seed") { Description = "Of the updates and of who drops out; keys are always fresh.", DefaultValueFactory = _ => 1 };
        var json = JsonLine.Option();
        var transcript = new Option<FileInfo?>("--transcript") { Description = "Writes the round down for 'fedllm aggregation verify' (it holds every masked update: clients x parameters x 3 bytes)." };
        clients.Require(value => value is >= 4 and <= 1024, "--clients is 4 to 1024.");
        parameters.Require(value => value is >= 1 and <= 100_000_000, "--parameters is 1 to 100000000.");
        drop.Require(value => value >= 0, "--drop is at least 0.");
        var command = new Command("demo", "Runs every stage with hospitals dropping out, and compares the sum with the plaintext sum.") { clients, parameters, drop, mode, seed, json, transcript };
        command.SetAction((parsed, cancellationToken) => Task.FromResult(AggregationDemo.Run(
            new AggregationDemo.Plan(parsed.GetValue(clients), parsed.GetValue(parameters), parsed.GetValue(drop), parsed.GetValue(mode)!, parsed.GetValue(seed), parsed.GetValue(transcript)), parsed.GetValue(json), cancellationToken)));
        return command;
    }
}
