using System.Runtime.CompilerServices;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>Reading a prompt against llama.cpp on the same file.</summary>
internal sealed class PrefillClaim : IClaim
{
    private const int Tokens = 128;

    public string Name => "prefill";

    public string Description => "Reading a prompt of 128 tokens with the 135M shape against llama.cpp, in F32, BF16, Q8_0 and Q4_0, 1 and 2 threads.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var type in new[] { ElementType.Float32, ElementType.BFloat16, ElementType.Q8_0, ElementType.Q4_0 })
        {
            using var model = ShapedModel.Small(type);
            foreach (var threads in new[] { 1, 2 })
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var contest = new Contest(model, threads);
                foreach (var measurement in contest.Prefill(type.ToString(), Tokens))
                {
                    yield return measurement;
                }
            }
        }
    }
}
