using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;
using FederatedDpLlm.Models.Weights.Gguf;

namespace FederatedDpLlm.Models;

/// <summary>From one model format to another, and what a model file holds.</summary>
public static class ModelConversion
{
    /// <summary>Writes a model as one GGUF file, with its tokenizer.</summary>
    /// <param name="model">A safetensors folder, a GGUF file, or a llama2.c checkpoint.</param>
    /// <param name="tokenizer">The tokenizer of a llama2.c checkpoint; otherwise null.</param>
    /// <param name="path">The file; replaced when the new one is whole.</param>
    /// <param name="type">Float32, Float16, BFloat16, Q8_0 or Q4_0: the type of the matrices. Vectors stay floats, and matrices whose rows are no whole blocks.</param>
    /// <param name="progress">Tensors written.</param>
    /// <param name="cancellationToken">Leaves no file behind.</param>
    /// <exception cref="ModelFormatException">The model cannot be read, or the type is one that is only read.</exception>
    public static void ToGguf(
        string model, string? tokenizer, string path, ElementType type, IProgress<(int Done, int All)>? progress, CancellationToken cancellationToken)
    {
        using var source = ModelSource.Open(model, tokenizer);
        GgufModelWriter.Write(path, source.Name, source.Configuration, source.Tensors, source.Tokenizer, type, progress, cancellationToken);
    }

    /// <summary>Writes a model as a folder of <c>config.json</c>, <c>tokenizer.json</c> and <c>model.safetensors</c>, created where it is missing.</summary>
    /// <param name="model">A safetensors folder, a GGUF file, or a llama2.c checkpoint.</param>
    /// <param name="tokenizer">The tokenizer of a llama2.c checkpoint; otherwise null.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="type">Float32, Float16 or BFloat16.</param>
    /// <param name="progress">Tensors written.</param>
    /// <param name="cancellationToken">Leaves no weights behind.</param>
    /// <exception cref="ModelFormatException">The model cannot be read, or the type is a quantised one.</exception>
    public static void ToSafetensors(
        string model, string? tokenizer, string folder, ElementType type, IProgress<(int Done, int All)>? progress, CancellationToken cancellationToken)
    {
        if (type.BlockElements() != 1)
        {
            throw new ModelFormatException($"Safetensors hold no {type}: take Float32, Float16 or BFloat16.");
        }

        using var source = ModelSource.Open(model, tokenizer);
        Directory.CreateDirectory(folder);
        TokenizerFile.Write(Path.Combine(folder, TokenizerFile.FileName), source.Tokenizer);
        ConfigurationFile.Write(Path.Combine(folder, ConfigurationFile.FileName), source.Configuration);
        SafetensorsWriter.Write(Path.Combine(folder, SafetensorsFile.FileName), source.Configuration, source.Tensors, type, progress, cancellationToken);
    }

    /// <summary>Writes a LoRA adapter in the other format: PEFT's folder as a GGUF file, a GGUF file as PEFT's folder.</summary>
    /// <param name="model">The base model: a safetensors folder, a GGUF file, or a llama2.c checkpoint. Its tensors are not read.</param>
    /// <param name="adapter">The folder or file.</param>
    /// <param name="target">The file or folder; a file is replaced when the new one is whole.</param>
    /// <param name="cancellationToken">Leaves no file behind.</param>
    /// <exception cref="ModelFormatException">The model or the adapter cannot be read, or they do not fit each other.</exception>
    public static void ConvertAdapter(string model, string adapter, string target, CancellationToken cancellationToken)
    {
        using var source = ModelSource.Open(model);
        var fromFolder = Directory.Exists(adapter);
        var read = fromFolder ? PeftAdapter.Read(adapter) : GgufAdapter.Read(adapter, source.Configuration.HeadSize);
        var shapes = TensorShape.Of(source.Configuration).ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        if (read.Modules.FirstOrDefault(module => !shapes.TryGetValue(module.Matrix, out var own) || (own.Rows, own.Columns) != (module.Outputs, module.Inputs)) is { } stranger)
        {
            throw new ModelFormatException($"The adapter changes '{stranger.Matrix}' of {stranger.Outputs} x {stranger.Inputs}, which the model lacks: name the model that it was trained on.");
        }

        if (fromFolder)
        {
            GgufAdapter.Write(target, read, source.Configuration, cancellationToken);
        }
        else
        {
            PeftAdapter.Write(target, read, source.Name);
        }
    }

    /// <summary>What a model file holds; its tensors are not read.</summary>
    /// <exception cref="ModelFormatException">The model cannot be read.</exception>
    public static ModelSummary Inspect(string model, string? tokenizer = null)
    {
        using var source = ModelSource.Open(model, tokenizer);
        var types = TensorShape.Of(source.Configuration)
            .GroupBy(tensor => source.Tensors.TypeOf(tensor.Name))
            .ToDictionary(group => group.Key, group => group.Count());
        return new ModelSummary(source.Format, source.Name, source.Configuration, types, source.TokenizerOrNull);
    }
}
