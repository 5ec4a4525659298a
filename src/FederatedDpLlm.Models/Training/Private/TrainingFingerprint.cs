using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// What a folder of checkpoints is of: promise, examples and base weights. Steps that were noised for another promise, or drawn from other records with the same
/// secret, must not be gone on from: the cost at the end would be that of neither training. Keyed by the secret, so it tells nothing about the records.
/// </summary>
internal static class TrainingFingerprint
{
    private const string FileName = "training";

    /// <summary>Writes the fingerprint where there is none yet, before the first step.</summary>
    /// <exception cref="ArgumentException">The checkpoints are another training's.</exception>
    public static void Require(string checkpoints, bool hasSteps, StepRandomness randomness, FineTuningPlan plan, IReadOnlyList<TrainingExample> examples, TensorSet weights)
    {
        var path = Path.Combine(checkpoints, FileName);
        var own = Of(randomness, plan, examples, weights);
        var found = hasSteps && !File.Exists(path) ? null : Encoding.ASCII.GetString(WholeFile.ReadOrCreate(path, () => Encoding.ASCII.GetBytes(own)));
        if (found != own)
        {
            throw new ArgumentException(
                $"the checkpoints in '{checkpoints}' are of a training with another promise, other records or another base model: train into another folder, or remove them to begin anew");
        }
    }

    private static string Of(StepRandomness randomness, FineTuningPlan plan, IReadOnlyList<TrainingExample> examples, TensorSet weights)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, randomness.Secret);

        // Threads and the distance between checkpoints change nothing of the result.
        hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(new
        {
            epsilon = plan.Epsilon.Value, delta = plan.Delta.Value, plan.SamplingRate, plan.Steps, plan.Rank, plan.Alpha, plan.LearningRate, plan.ClipNorm, plan.Seed, examples.Count,
        }));
        foreach (var example in examples)
        {
            hash.AppendData(BitConverter.GetBytes(example.Tokens.Count));
            hash.AppendData(MemoryMarshal.AsBytes(example.Tokens.ToArray().AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes(example.Weights.ToArray().AsSpan()));
        }

        foreach (var shape in weights.Shapes)
        {
            hash.AppendData(MemoryMarshal.AsBytes(weights[shape.Name].Span));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
