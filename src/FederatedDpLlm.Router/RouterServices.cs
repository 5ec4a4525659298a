using FederatedDpLlm.Budgets;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Dashboard;
using FederatedDpLlm.Federation.Nodes.Links;
using FederatedDpLlm.Hosting;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Router.Endpoints;
using FederatedDpLlm.Routing;
using FederatedDpLlm.Routing.Retries;
using FederatedDpLlm.Routing.Strategies;
using FederatedDpLlm.Security.Authentication;
using FederatedDpLlm.Security.Encryption;
using Microsoft.Data.Sqlite;
using OpenTelemetry.Metrics;

namespace FederatedDpLlm.Router;

/// <summary>The router's composition: which rooms it has, and which of their doors are HTTP endpoints.</summary>
internal static class RouterServices
{
    public static async Task AddRouterAsync(this IServiceCollection services, RouterConfiguration configuration, string folder)
    {
        string At(string path) => Path.Combine(folder, path);
        var clock = TimeProvider.System;
        var credentials = configuration.Identity.Load(folder);
        var tokens = TokenValidator.Load(configuration.Tokens, At(configuration.Tokens.PublicKey), clock);
        var policy = new PrivacyBudgetsPolicy(configuration.PrivacyBudgets);
        var loggers = LoggerFactory.Create(logging => logging.AddSimpleConsole(options => options.SingleLine = true));
        var ledger = await SqliteBudgetLedger.OpenAsync(At(configuration.Ledger), clock, loggers.CreateLogger<SqliteBudgetLedger>(), CancellationToken.None);
        foreach (var account in policy.Standing)
        {
            await OpenAsync(ledger, account);
        }

        services.AddSingleton(configuration).AddSingleton(configuration.Dashboard).AddSingleton(configuration.Routing);
        services.AddSingleton(clock).AddSingleton<ISecureRandom, SecureRandom>();
        services.AddSingleton(tokens).AddSingleton<Gatekeeper>();
        services.AddSingleton<RefusedTokens>().AddHostedService(provider => provider.GetRequiredService<RefusedTokens>());
        services.AddSingleton<IQuotaPolicy>(policy).AddSingleton<IBudgetLedger>(ledger).AddSingleton(ledger).AddSingleton<QuotaGate>();
        services.AddSingleton(provider => new NodeDirectory(
            configuration.Federation, configuration.Nodes, credentials, clock, provider.GetRequiredService<ILogger<NodeDirectory>>()));
        services.AddHostedService(provider => provider.GetRequiredService<NodeDirectory>());
        services.AddSingleton<INodeSelectionStrategy, PrivacyAwareStrategy>();
        services.AddSingleton<INodeSelectionStrategy, LoadBalancedStrategy>();
        services.AddSingleton<INodeSelectionStrategy, RoundRobinStrategy>();
        services.AddSingleton<RouterNoise>();
        services.AddSingleton<FederatedRouter>().AddSingleton<RouteJournal>();
        services.AddRetries(configuration.Retries.Checked(), At, clock);
        services.AddSingleton<ChatRequestReader>().AddSingleton<KeptAnswers>().AddSingleton<ChatCompletionsEndpoint>().AddSingleton<FederationEndpoint>();
        if (StopWithInput.IsAsked)
        {
            services.AddHostedService<StopWithInput>();
        }

        services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter("FederatedDpLlm.*").AddAspNetCoreInstrumentation().AddRuntimeInstrumentation().AddPrometheusExporter());
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, OpenAiJson.Default));
    }

    // A quota counts on in the currency in which it was spent, until its window ends.
    private static async Task OpenAsync(SqliteBudgetLedger ledger, AccountPolicy account)
    {
        try
        {
            await ledger.EnsureAccountAsync(account, CancellationToken.None);
        }
        catch (InvalidOperationException error)
        {
            var until = ledger.Find(account.Id)?.ResetsAt is { } reset ? FormattableString.Invariant($" That is at {reset:u}: until then keep 'privacy_budgets.composition' and 'privacy_budgets.delta' as they were.") : string.Empty;
            throw new ConfigurationException(error.Message + until, error);
        }
    }

    private static void AddRetries(this IServiceCollection services, RetryOptions options, Func<string, string> at, TimeProvider clock)
    {
        var key = new AtRestKey(SecretFile.LoadOrCreate(at(options.Key), AtRestKey.SizeBytes));
        services.AddSingleton(_ => key);
        var answers = OpenAnswers(options, key, at(options.Answers), clock);
        services.AddSingleton(_ => answers);
        services.AddSingleton<AnswerRetries>().AddHostedService(provider => provider.GetRequiredService<AnswerRetries>());
    }

    private static AnswerStore OpenAnswers(RetryOptions options, AtRestKey key, string path, TimeProvider clock)
    {
        try
        {
            return new AnswerStore(path, key, TimeSpan.FromHours(options.LifetimeHours), options.MostMegabytes * 1024L * 1024, clock);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw new ConfigurationException($"The answers kept for repeats in '{path}' cannot be used: {error.Message} They may be deleted, or another file named with 'retries.answers'.", error);
        }
    }

    public static void MapRouter(this WebApplication app, RouterConfiguration configuration)
    {
        configuration.Routing.Check(app.Services.GetRequiredService<FederatedRouter>().Strategies);

        // The metrics port serves metrics and nothing else; the API's port serves no metrics.
        app.UseWhen(
            context => context.Connection.LocalPort == configuration.Metrics.Port,
            metrics => metrics.UseOpenTelemetryPrometheusScrapingEndpoint().Run(context =>
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }));
        LedgerMetrics.Observe(app.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(), app.Services.GetRequiredService<SqliteBudgetLedger>());
        NodeMetrics.Observe(app.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(), app.Services.GetRequiredService<NodeDirectory>());
        app.MapGet("/health/live", () => Results.Text("live"));
        app.MapGet("/health/ready", Ready);
        app.MapModels();
        app.MapPost("/v1/chat/completions", (HttpContext context, ChatCompletionsEndpoint endpoint) => endpoint.HandleAsync(context));
        app.MapGet("/v1/federation", (HttpContext context, FederationEndpoint endpoint) => endpoint.HandleAsync(context));
        app.MapDashboard();
    }

    // How many and why, without names: who asks need not show a token.
    private static string Troubles(NodeDirectory nodes) => string.Join(
        ", ", nodes.Snapshots.CountBy(node => node.Trouble ?? "no answer").OrderBy(one => one.Key, StringComparer.Ordinal).Select(one => $"{one.Value} {one.Key}"));

    /// <summary>Ready means that a question could be answered now: the ledger writes and a hospital answers.</summary>
    private static IResult Ready(SqliteBudgetLedger ledger, NodeDirectory nodes)
    {
        if (ledger.Trouble is { } trouble)
        {
            var unsettled = ledger.UnsettledCount is > 0 and var count ? $"; settlements that wait for it: {count}" : string.Empty;
            return Results.Text(trouble + unsettled, statusCode: StatusCodes.Status503ServiceUnavailable);
        }

        return nodes.Snapshots.Any(node => node.MayAnswer)
            ? Results.Text("ready")
            : Results.Text($"no hospital's node answers: {Troubles(nodes)}", statusCode: StatusCodes.Status503ServiceUnavailable);
    }
}
