using System.Security.Authentication;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Router;
using FederatedDpLlm.Router.Endpoints;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Data.Sqlite;

const long LargestBodyBytes = 1024 * 1024;

var started = false;
try
{
    var (configuration, folder) = RouterConfiguration.Load();
    var (address, certificate) = configuration.Api.Load(folder);
    var builder = WebApplication.CreateSlimBuilder(args);
    builder.Logging.AddSimpleConsole(options => options.SingleLine = true).AddFilter("Microsoft", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning)

        // Why a start failed is told below, in one sentence.
        .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => started && level >= LogLevel.Warning);
    builder.WebHost.ConfigureKestrel(kestrel =>
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = LargestBodyBytes;
        kestrel.Listen(address, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            if (certificate is not null)
            {
                listen.UseHttps(certificate, https => https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13);
            }
        });
        kestrel.Listen(configuration.Metrics.ToEndPoint("metrics"), listen => listen.Protocols = HttpProtocols.Http1);
    });
    await builder.Services.AddRouterAsync(configuration, folder);

    var app = builder.Build();
    app.MapRouter(configuration);
    app.Lifetime.ApplicationStarted.Register(() => started = true);
    await app.RunAsync();
    return 0;
}
catch (Exception error) when (error is ConfigurationException or BudgetStoreException or SqliteException)
{
    Console.Error.WriteLine("router: " + error.Message);
    return 2;
}
catch (IOException error) when (error.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
{
    Console.Error.WriteLine($"router: {error.Message} Choose other ports in the configuration, or stop the program that holds them.");
    return 3;
}
