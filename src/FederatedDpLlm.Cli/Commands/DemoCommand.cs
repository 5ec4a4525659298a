using System.CommandLine;
using System.Runtime.InteropServices;
using FederatedDpLlm.Cli.Demo;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm demo</c>: a federation on this machine until Ctrl-C.</summary>
internal static class DemoCommand
{
    public const string Name = "demo";
    private const int DefaultPort = 8080;
    private const int DefaultMetricsPort = 8090;
    private const int MostHospitals = 26;
    private const int MostShards = 4;
    private const double MostDataEpsilon = 8191;

    public static Command Create()
    {
        var port = new Option<int?>("--port") { Description = $"The API's port. Default: {DefaultPort}." };
        var metricsPort = new Option<int?>("--metrics-port") { Description = $"The metrics' port. Default: {DefaultMetricsPort}; a free one when only --port is given." };
        var data = new Option<string>("--data") { Description = "Where keys, ledgers and configurations are kept.", DefaultValueFactory = _ => ".fedllm" };
        var records = new Option<string?>("--records") { Description = "Your own records (.jsonl, .csv, FHIR .ndjson) instead of made-up ones, split over the hospitals by patient." };
        var map = new Option<string?>("--map") { Description = "Columns of a CSV file: patientId=COLUMN,text=COLUMN+COLUMN." };
        var hospitals = new Option<int>("--hospitals") { Description = $"Number of hospitals, 1 to {MostHospitals}.", DefaultValueFactory = _ => 4 };
        var shards = new Option<int>("--shards") { Description = $"Processes over which each hospital's model is cut, 0 to {MostShards}. Default: 0, each node holds it whole." };
        var dataEpsilon = new Option<double>("--data-epsilon") { Description = "Each hospital's lifetime budget on its patients' data, at delta 1e-6. One that was started with less stays at that.", DefaultValueFactory = _ => 60 };
        var json = JsonLine.Option();
        port.Require(value => value is null or (>= 1 and <= 65535), "--port is a number from 1 to 65535.");
        metricsPort.Require(value => value is null or (>= 1 and <= 65535), "--metrics-port is a number from 1 to 65535.");
        hospitals.Require(value => value is >= 1 and <= MostHospitals, $"--hospitals is a number from 1 to {MostHospitals}.");
        shards.Require(value => value is >= 0 and <= MostShards, $"--shards is a number from 0 to {MostShards}.");
        dataEpsilon.Require(value => value is >= 0 and <= MostDataEpsilon, $"--data-epsilon is a number from 0 to {MostDataEpsilon}.");
        var command = new Command(Name, "Starts a router and hospital nodes as processes of their own; Ctrl-C stops them all.") { port, metricsPort, data, records, map, hospitals, shards, dataEpsilon, json, CanaryCommand.Create() };
        data.Require(value => !string.IsNullOrWhiteSpace(value), "--data names a folder.");
        command.Require(result => result.GetValue(map) is null || result.GetValue(records) is not null, "--map is for the columns of a CSV file: name it with --records FILE.");
        command.Require(result => result.GetValue(metricsPort) is not { } given || given != (result.GetValue(port) ?? DefaultPort), "--metrics-port is the API's own port: give two different ones.");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var givenPort = parsed.GetValue(port);
            var options = new DemoOptions(
                givenPort ?? DefaultPort,
                parsed.GetValue(metricsPort) ?? (givenPort is null ? DefaultMetricsPort : LoopbackPorts.Free(1)[0]),
                Path.GetFullPath(parsed.GetRequiredValue(data)),
                parsed.GetValue(records),
                parsed.GetValue(map),
                parsed.GetValue(hospitals),
                parsed.GetValue(shards),
                parsed.GetValue(dataEpsilon),
                parsed.GetValue(json));
            return await RunAsync(options, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(DemoOptions options, CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stopping.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        try
        {
            await using var federation = DemoFederation.Prepare(options);
            var loaded = federation.Start(Console.Error.WriteLine);
            if (loaded is not null)
            {
                Console.Error.WriteLine($"{loaded.Records.Count} records read, {loaded.SkippedCount} skipped.");
                loaded.Skipped.ToList().ForEach(skipped => Console.Error.WriteLine($"  {skipped.File}, line {skipped.Line}: {skipped.Reason}"));
            }

            await federation.WaitUntilReadyAsync(stopping.Token);
            Announce(federation, options);
            await Task.WhenAny(federation.Hopeless, Task.Delay(Timeout.Infinite, stopping.Token));
            if (!stopping.IsCancellationRequested)
            {
                throw new DemoException("A program of the demo gave up; its own message stands above.");
            }

            Console.Error.WriteLine("Stopping.");
            return ExitCode.Good;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return ExitCode.Good;
        }
    }

    private static void Announce(DemoFederation federation, DemoOptions options)
    {
        if (options.Json)
        {
            JsonLine.Write(new
            {
                url = federation.Url,
                metricsUrl = federation.MetricsUrl,
                token = federation.ClinicianToken,
                officerToken = federation.OfficerToken,
                router = new { pid = federation.Router!.ProcessId },
                nodes = federation.Nodes.Select(node => new { id = node.Name, pid = node.ProcessId }),
                shards = federation.Shards.Select(shard => new { id = shard.Name, pid = shard.ProcessId }),
                dataDir = options.DataFolder,
            });
            return;
        }

        Console.WriteLine($$$"""

            A federation of {{{federation.Nodes.Count}}} hospital{{{(federation.Nodes.Count == 1 ? string.Empty : "s")}}} answers at {{{federation.Url}}}

            Ask it ({{{(options.Records is null ? "made-up patients" : "your own records")}}}; costs epsilon 1 of the demo clinician's 20 a day):

              curl -s {{{federation.Url}}}/v1/chat/completions \
                -H 'Authorization: Bearer {{{federation.ClinicianToken}}}' \
                -H 'Content-Type: application/json' \
                -d '{"model":"ward-2m","messages":[{"role":"user","content":"Which department sees most patients with chest pain?"}],
                     "privacy":{"epsilon":1,"choices":["emergency","cardiology","radiology","general"]}}'

            Hospitals, budgets and the last requests:  {{{federation.Url}}}/
            The same with an officer's token:         {{{federation.Url}}}/#token={{{federation.OfficerToken}}}
            Metrics:                                   {{{federation.MetricsUrl}}}
            Keys, ledgers and configurations:          {{{options.DataFolder}}}
            More tokens:                               fedllm token --data {{{options.DataFolder}}} --user NAME --department cardiology

            Ctrl-C stops every process.
            """);
    }
}
