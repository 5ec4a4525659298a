using System.Text.Json;
using System.Text.RegularExpressions;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.Tests.Budgets.Linearizability;

/// <summary>The checker agrees with Porcupine on its published histories: 102 of etcd and 6 of a key-value store.</summary>
public sealed partial class PublishedHistoryTests
{
    private static string Folder => SharedData.Path("porcupine");

    [Fact]
    public void It_agrees_on_every_history_of_etcd() =>
        Assert.All(Expected("jepsen/"), history => Assert.Equal(history.Value, IsLinearizable(ReadRegister(history.Key))));

    [Fact]
    public void It_agrees_on_every_history_of_a_key_value_store() =>
        Assert.All(Expected("kv/"), history => Assert.Equal(
            history.Value,
            ReadStore(history.Key).GroupBy(call => call.Call.Key).All(key => LinearizabilityChecker.IsLinearizable([.. key], string.Empty, Step))));

    private static List<KeyValuePair<string, bool>> Expected(string prefix)
    {
        var all = JsonSerializer.Deserialize<Dictionary<string, bool>>(File.ReadAllText(Path.Combine(Folder, "expected.json")))!;
        var chosen = all.Where(history => history.Key.StartsWith(prefix, StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(chosen);
        return chosen;
    }

    private static bool IsLinearizable(List<TimedCall<RegisterCall>> history) => LinearizabilityChecker.IsLinearizable(history, "nil", Step);

    private static string? Step(string value, RegisterCall call) => call.Kind switch
    {
        "read" => call.Answer is null || call.Answer == value ? value : null,
        "write" => call.Argument,
        _ => (call.Answer is null || call.Answer == "ok" == (call.Argument == value)) ? (call.Argument == value ? call.Replacement : value) : null,
    };

    private static string? Step(string value, StoreCall call) => call.Kind switch
    {
        "get" => call.Answer == value ? value : null,
        "put" => call.Argument,
        _ => value + call.Argument,
    };

    private static List<TimedCall<RegisterCall>> ReadRegister(string name)
    {
        var open = new Dictionary<string, (RegisterCall Call, long Time)>();
        var history = new List<TimedCall<RegisterCall>>();
        long time = 0;
        foreach (var match in File.ReadLines(Path.Combine(Folder, name)).Select(line => RegisterLine().Match(line)).Where(match => match.Success))
        {
            var (process, type, kind, value) = (match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Value, match.Groups[4].Value);
            time++;
            if (type == "invoke")
            {
                var words = value.Trim('[', ']').Split(' ');
                open[process] = (new RegisterCall(kind, words[0], words[^1], null), time);
            }
            else if (type != "info" && open.Remove(process, out var call))
            {
                // A read that timed out did return, but with an answer nobody knows; a write or swap of unknown fate never returns.
                var answer = value.Contains("timed-out", StringComparison.Ordinal) ? null : kind == "read" ? value : type;
                history.Add(new(call.Call with { Answer = answer }, call.Time, time));
            }
        }

        return [.. history, .. open.Values.Select(call => new TimedCall<RegisterCall>(call.Call, call.Time, long.MaxValue))];
    }

    private static List<TimedCall<StoreCall>> ReadStore(string name)
    {
        var open = new Dictionary<string, (StoreCall Call, long Time)>();
        var history = new List<TimedCall<StoreCall>>();
        long time = 0;
        foreach (var match in File.ReadLines(Path.Combine(Folder, name)).Select(line => StoreLine().Match(line)).Where(match => match.Success))
        {
            time++;
            if (match.Groups[2].Value == "invoke")
            {
                open[match.Groups[1].Value] = (new StoreCall(match.Groups[3].Value, match.Groups[4].Value, match.Groups[5].Value, null), time);
            }
            else if (open.Remove(match.Groups[1].Value, out var call))
            {
                history.Add(new(call.Call with { Answer = match.Groups[5].Value }, call.Time, time));
            }
        }

        return history;
    }

    private sealed record RegisterCall(string Kind, string Argument, string Replacement, string? Answer);

    private sealed record StoreCall(string Kind, string Key, string Argument, string? Answer);

    [GeneratedRegex(@"jepsen\.util - (\d+)\s+:(invoke|ok|fail|info)\s+:(read|write|cas)\s+(.*)$")]
    private static partial Regex RegisterLine();

    [GeneratedRegex(@"\{:process (\d+), :type :(invoke|ok), :f :(get|put|append), :key ""(.*?)"", :value (?:nil|""(.*)"")\}")]
    private static partial Regex StoreLine();
}
