namespace FederatedDpLlm.Benchmarks;

/// <summary>One claim of <c>docs/performance.md</c> as a runnable program; found by reflection, run by its name.</summary>
internal interface IClaim
{
    /// <summary>The name on the command line: <c>./bench.sh NAME</c>.</summary>
    string Name { get; }

    /// <summary>What is claimed, in a sentence.</summary>
    string Description { get; }

    /// <summary>Measures every setting, beside its peer in the same run where there is one.</summary>
    IAsyncEnumerable<Measurement> MeasureAsync(CancellationToken cancellationToken);
}
