using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Tests.Training;
using FederatedDpLlm.Models.Training;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tests.Kernels;

/// <summary>
/// Whole passes have the bits that they had when these hashes were taken, whatever registers the machine has (<see cref="Architecture.CanonicalArithmeticTests"/> runs them with fewer).
/// Whoever changes the arithmetic on purpose takes new ones, and makes the bundled model again.
/// </summary>
public sealed class ModelBitsTests
{
    // Biases, query-key norms, scaled rotations, grouped queries, rows of whole blocks; 150 positions reach over the border of two attention splits.
    private static readonly ModelConfiguration Rich = RandomModel.Shape with
    {
        Width = 64, FeedForwardWidth = 96, HeadSize = 32, AttentionBias = true, QueryKeyNorm = true, RotaryTheta = 500_000, RotaryScaling = new(RotaryScalingKind.Llama3, 8, 1, 4, 64),
    };

    [Theory]
    [InlineData(ElementType.Float32, "9ad75f7c2c8ea422fad75b4df56cf69388830aa5")]
    [InlineData(ElementType.BFloat16, "ef792e2fc3bba39fc9f3ee62d68a0791d31b536a")]
    [InlineData(ElementType.Q8_0, "168b2c4453a60e9931055b89a76603cd330f255d")]
    [InlineData(ElementType.Q4_0, "ec3225eb8c17b5a03f45043611d8a8696b0a9b91")]
    public void Logits_have_the_same_bits_on_every_machine(ElementType type, string start)
    {
        var parameters = RandomModel.Weights(Rich);
        foreach (var vector in parameters.Shapes.Where(tensor => tensor.IsVector))
        {
            MatrixTests.Floats(vector.Elements, (uint)vector.Name.Length).Span.CopyTo(parameters[vector.Name].Span);
        }

        var model = new LanguageModel(new LlamaWeights(Rich, new QuantizedTensors(parameters, type)), RandomModel.Tokenizer(), 1);
        using var batch = model.OpenBatch([RandomModel.Tokens(146, 5), RandomModel.Tokens(3, 6)], TestContext.Current.CancellationToken);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var token in RandomModel.Tokens(5, 7))
        {
            hash.AppendData(MemoryMarshal.AsBytes(batch.Logits(0)));
            hash.AppendData(MemoryMarshal.AsBytes(batch.Logits(1)));
            batch.Append(token, TestContext.Current.CancellationToken);
        }

        Assert.StartsWith(start, Convert.ToHexStringLower(hash.GetHashAndReset()), StringComparison.Ordinal);
    }

    [Theory, InlineData(Family.Llama, "68db50fe4108d2ff2b5f156728ba7335f6b2dcba"), InlineData(Family.Qwen2, "c77ddb72d6785c1d941d295151201040add65d8b")]
    [InlineData(Family.Qwen3, "068ff46485052fcc77feb41bba6ad3e99beacee1")]
    public void Trained_weights_have_the_same_bits_on_every_machine(Family family, string start)
    {
        var shape = RandomModel.Shape.As(family) with { HeadSize = 32, RotaryScaling = new(RotaryScalingKind.Linear, 2, 1, 1, 0) };
        var options = new TrainingOptions { Seed = 5, Steps = 4, Microbatches = 2, MicrobatchTokens = 150, WarmupSteps = 2, LearningRate = 0.01 };
        var trainer = new Trainer(shape, options);
        TrainingExample Example(int number) => new(RandomModel.Tokens(140, (ulong)number), [.. Enumerable.Range(0, 140).Select(i => i % 3 / 2f)]);
        trainer.Run((step, number) => Example((10 * step) + number), _ => { }, TestContext.Current.CancellationToken);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var tensor in trainer.Parameters.Shapes)
        {
            hash.AppendData(MemoryMarshal.AsBytes(trainer.Parameters[tensor.Name].Span));
        }

        Assert.StartsWith(start, Convert.ToHexStringLower(hash.GetHashAndReset()), StringComparison.Ordinal);
    }
}
