using System.Runtime.CompilerServices;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>Decoding one sequence against llama.cpp on the same file.</summary>
internal abstract class DecodeClaim(string name, ElementType type) : IClaim
{
    private const int SmallTokens = 48;
    private const int LargeTokens = 12;

    public string Name => name;

    public string Description => $"Decoding one sequence in {type} against llama.cpp on the same GGUF, 1 and 2 threads.";

    public async IAsyncEnumerable<Measurement> MeasureAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (var shape in new[] { ShapedModel.Small, ShapedModel.Large })
        {
            using var model = shape(type);
            foreach (var threads in new[] { 1, 2 })
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var contest = new Contest(model, threads);
                foreach (var measurement in contest.Decode(type.ToString(), model.Name == "135M" ? SmallTokens : LargeTokens))
                {
                    yield return measurement;
                }
            }
        }
    }
}

internal sealed class DecodeFloat32Claim() : DecodeClaim("decode-f32", ElementType.Float32);

internal sealed class DecodeBFloat16Claim() : DecodeClaim("decode-bf16", ElementType.BFloat16);

internal sealed class DecodeQ8Claim() : DecodeClaim("decode-q8", ElementType.Q8_0);

internal sealed class DecodeQ4Claim() : DecodeClaim("decode-q4", ElementType.Q4_0);
