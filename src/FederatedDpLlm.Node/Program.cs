using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Federation.Nodes.Serving;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Node;
using FederatedDpLlm.Security.Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;

var started = false;
try
{
    var (configuration, folder) = NodeConfiguration.Load();
    var builder = WebApplication.CreateSlimBuilder(args);
    builder.Logging.AddSimpleConsole(options => options.SingleLine = true).AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning)

        // Why a start failed is told below, in one sentence.
        .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => started && level >= LogLevel.Warning);
    var credentials = configuration.Identity.Load(folder);
    builder.WebHost.ConfigureKestrel(kestrel =>
    {
        kestrel.AddServerHeader = false;
        kestrel.Listen(configuration.Listen.ToEndPoint("listen"), listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(https => FederationTls.ConfigureServer(https, credentials, PeerIdentity.Router(configuration.Federation)));
        });
    });
    await builder.Services.AddNodeAsync(configuration, folder);

    var app = builder.Build();
    app.MapGrpcService<HospitalNodeService>();
    app.Lifetime.ApplicationStarted.Register(() => started = true);
    await app.RunAsync();
    return 0;
}
catch (Exception error) when (error is ConfigurationException or RecordFileException or BudgetStoreException)
{
    Console.Error.WriteLine("node: " + error.Message);
    return 2;
}
catch (EngineException error)
{
    Console.Error.WriteLine("node: the engine cannot be used: " + error.Message);
    return 1;
}
catch (IOException error) when (error.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
{
    Console.Error.WriteLine($"node: {error.Message} Choose another port in the configuration, or stop the program that holds it.");
    return 3;
}
