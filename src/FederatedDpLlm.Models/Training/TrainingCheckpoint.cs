using System.Globalization;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Training;

/// <summary>A training's whole state in one safetensors file, from which it goes on bit for bit: parameters, Adam's two means, the step (in the file's name).</summary>
internal static class TrainingCheckpoint
{
    private const string Prefix = "checkpoint-";
    private const string FirstPrefix = "adam.first.";
    private const string SecondPrefix = "adam.second.";

    /// <summary>Writes the state beside the others; the file appears whole or not at all.</summary>
    public static void Write(string folder, Trainer trainer)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{trainer.Step:D6}.safetensors"));
        IReadOnlyList<NamedTensor> tensors =
        [
            .. trainer.Parameters.ToList(),
            .. trainer.Optimizer.First.ToList().Select(tensor => tensor with { Name = FirstPrefix + tensor.Name }),
            .. trainer.Optimizer.Second.ToList().Select(tensor => tensor with { Name = SecondPrefix + tensor.Name }),
        ];
        SafetensorsWriter.Write(path + ".part", tensors, ElementType.Float32);
        File.Move(path + ".part", path, overwrite: true);
        foreach (var older in Directory.GetFiles(folder, Prefix + "*.safetensors").Where(file => string.CompareOrdinal(file, path) < 0))
        {
            File.Delete(older);
        }
    }

    /// <summary>A trainer that goes on from the latest state in the folder; a new one where there is none.</summary>
    public static Trainer Resume(string folder, ModelConfiguration shape, TrainingOptions options)
    {
        var latest = Directory.Exists(folder) ? Directory.GetFiles(folder, Prefix + "*.safetensors").Order(StringComparer.Ordinal).LastOrDefault() : null;
        if (latest is null)
        {
            return new Trainer(shape, options);
        }

        using var file = SafetensorsFile.Open(latest);
        var optimizer = new AdamW(shape);
        foreach (var tensor in optimizer.First.Shapes)
        {
            file.Read(FirstPrefix + tensor.Name, tensor.Rows, tensor.Columns, optimizer.First[tensor.Name].Span);
            file.Read(SecondPrefix + tensor.Name, tensor.Rows, tensor.Columns, optimizer.Second[tensor.Name].Span);
        }

        var step = int.Parse(Path.GetFileNameWithoutExtension(latest)[Prefix.Length..], CultureInfo.InvariantCulture);
        return new Trainer(shape, options, TensorSet.Read(shape, file), optimizer, step);
    }
}
