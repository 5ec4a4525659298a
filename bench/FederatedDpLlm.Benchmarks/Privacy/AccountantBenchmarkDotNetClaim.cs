using System.Runtime.CompilerServices;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace FederatedDpLlm.Benchmarks.Privacy;

/// <summary>The same operations as <see cref="AccountantClaim"/> by BenchmarkDotNet's short job in this process: wall-clock medians, without peers.</summary>
internal sealed class AccountantBenchmarkDotNetClaim : IClaim
{
    private const double NanosecondsPerMicrosecond = 1000;

    public string Name => "accountant-benchmarkdotnet";

    public string Description => "The accountants' operations by BenchmarkDotNet (short job, in process)";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        var artifacts = Directory.CreateTempSubdirectory("fedllm-bench").FullName;
        try
        {
            var config = ManualConfig.CreateEmpty()
                .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
                .AddLogger(NullLogger.Instance)
                .WithArtifactsPath(artifacts)
                .WithOptions(ConfigOptions.DisableLogFile);
            foreach (var report in BenchmarkRunner.Run<AccountantBenchmarks>(config).Reports)
            {
                if (report.ResultStatistics is { } statistics)
                {
                    yield return new(report.BenchmarkCase.Descriptor.WorkloadMethodDisplayInfo.Trim('\''), statistics.Median / NanosecondsPerMicrosecond, "us", LowerIsBetter: true);
                }
            }
        }
        finally
        {
            Directory.Delete(artifacts, recursive: true);
        }
    }
}
