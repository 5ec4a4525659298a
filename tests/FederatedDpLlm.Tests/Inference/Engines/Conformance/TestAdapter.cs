using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights.Adapters;

namespace FederatedDpLlm.Tests.Inference.Engines.Conformance;

/// <summary>A LoRA adapter over two matrices that moves every answer.</summary>
internal static class TestAdapter
{
    private const int Rank = 2;

    public static void Write(string path, ModelConfiguration shape, CancellationToken cancellationToken, float strength = 0.2f)
    {
        LoraModule Module(string name, int outputs, int inputs) => new(name, outputs, inputs, Waves(Rank * inputs, strength), Waves(outputs * Rank, strength));
        var adapter = new LoraAdapter(Rank, 4, [Module("model.layers.1.self_attn.q_proj.weight", shape.Width, shape.Width), Module("model.layers.4.mlp.up_proj.weight", shape.FeedForwardWidth, shape.Width)]);
        GgufAdapter.Write(path, adapter, shape, cancellationToken);
    }

    private static float[] Waves(int count, float strength) => [.. Enumerable.Range(0, count).Select(i => strength * MathF.Sin(1 + (0.7f * i)))];
}
