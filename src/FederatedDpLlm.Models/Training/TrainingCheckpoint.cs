using System.Globalization;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training;

/// <summary>A training's whole state in one safetensors file, from which it goes on bit for bit: parameters, Adam's two means, the step (in the file's name).</summary>
internal sealed record TrainingCheckpoint(int Step, TensorSet Parameters, AdamW Optimizer)
{
    private const string Prefix = "checkpoint-";
    private const string FirstPrefix = "adam.first.";
    private const string SecondPrefix = "adam.second.";

    /// <summary>Writes the state beside the others; the file appears whole or not at all, and older ones go when it is there.</summary>
    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Step:D6}.safetensors"));
        IReadOnlyList<NamedTensor> tensors =
        [
            .. Parameters.ToList(),
            .. Optimizer.First.ToList().Select(tensor => tensor with { Name = FirstPrefix + tensor.Name }),
            .. Optimizer.Second.ToList().Select(tensor => tensor with { Name = SecondPrefix + tensor.Name }),
        ];
        SafetensorsWriter.Write(path, tensors, ElementType.Float32);
        foreach (var older in Directory.GetFiles(folder, Prefix + "*.safetensors").Where(file => string.CompareOrdinal(file, path) < 0))
        {
            File.Delete(older);
        }
    }

    /// <summary>The latest state in a folder; null where there is none.</summary>
    /// <exception cref="ModelFormatException">It is of other shapes, or damaged.</exception>
    public static TrainingCheckpoint? Latest(string folder, IReadOnlyList<TensorShape> shapes)
    {
        var latest = Directory.Exists(folder) ? Directory.GetFiles(folder, Prefix + "*.safetensors").Order(StringComparer.Ordinal).LastOrDefault() : null;
        if (latest is null)
        {
            return null;
        }

        if (!int.TryParse(Path.GetFileNameWithoutExtension(latest)[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var step))
        {
            throw new ModelFormatException($"'{Path.GetFileName(latest)}' does not say which step it is of.");
        }

        using var file = SafetensorsFile.Open(latest);
        var checkpoint = new TrainingCheckpoint(step, TensorSet.Zeros(shapes), new AdamW(shapes));
        foreach (var tensor in shapes)
        {
            file.Read(tensor.Name, tensor.Rows, tensor.Columns, checkpoint.Parameters[tensor.Name].Span);
            file.Read(FirstPrefix + tensor.Name, tensor.Rows, tensor.Columns, checkpoint.Optimizer.First[tensor.Name].Span);
            file.Read(SecondPrefix + tensor.Name, tensor.Rows, tensor.Columns, checkpoint.Optimizer.Second[tensor.Name].Span);
        }

        return checkpoint;
    }
}
