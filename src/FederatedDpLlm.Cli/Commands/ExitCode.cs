using System.Security.Cryptography;
using System.Text.Json;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Cli.Demo;
using FederatedDpLlm.Configuration;
using FederatedDpLlm.Federation.Nodes.Shards;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sharding;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>How a command ends, for the scripts that call it. <c>aggregation verify</c> has one more end of its own.</summary>
internal static class ExitCode
{
    /// <summary>It is done, and what was to be checked holds.</summary>
    public const int Good = 0;

    /// <summary>It went wrong, was stopped, or does not hold.</summary>
    public const int Bad = 1;

    /// <summary>It was asked wrongly: an option, or a file, a model or a plan that cannot be used.</summary>
    public const int Misuse = 2;

    /// <summary>The demo cannot start, or gave up.</summary>
    public const int NoDemo = 3;

    /// <summary>The end that a failure means; null where it is a fault of this program.</summary>
    public static int? Of(Exception failure) => failure switch
    {
        DemoException => NoDemo,
        OperationCanceledException or BudgetStoreException or EngineException or ShardLostException or ShardsUnavailableException => Bad,
        ArgumentNullException => null,
        ArgumentException or ArithmeticException or FormatException or JsonException or IOException or UnauthorizedAccessException or CryptographicException
            or ConfigurationException or RecordFileException or ModelFormatException or ContextOverflowException or ShardPlanException or UnaccountableEventException => Misuse,
        _ => null,
    };
}
