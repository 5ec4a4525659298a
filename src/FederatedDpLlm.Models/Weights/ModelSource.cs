using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Tokenization;
using FederatedDpLlm.Models.Weights.Gguf;

namespace FederatedDpLlm.Models.Weights;

/// <summary>A model where it lies, whatever its format: what it is called, its shape, its tensors and its tokenizer.</summary>
internal sealed class ModelSource : IDisposable
{
    private readonly IDisposable? _files;

    private ModelSource(string format, string name, ModelConfiguration configuration, ITensorSource tensors, ITokenizer? tokenizer, IDisposable? files)
    {
        (Format, Name, Configuration, Tensors, TokenizerOrNull, _files) = (format, name, configuration, tensors, tokenizer, files);
        if (tokenizer is not null && tokenizer.Vocabulary > configuration.Vocabulary)
        {
            throw new ModelFormatException($"The tokenizer knows {tokenizer.Vocabulary} tokens, the model {configuration.Vocabulary}.");
        }
    }

    /// <summary><c>safetensors</c>, <c>gguf</c> or <c>llama2.c</c>.</summary>
    public string Format { get; }

    /// <summary>The folder's or file's name.</summary>
    public string Name { get; }

    public ModelConfiguration Configuration { get; }

    public ITensorSource Tensors { get; }

    /// <summary>Null for a llama2.c checkpoint that was opened without its tokenizer.</summary>
    public ITokenizer? TokenizerOrNull { get; }

    /// <exception cref="ModelFormatException">There is none.</exception>
    public ITokenizer Tokenizer => TokenizerOrNull ?? throw new ModelFormatException("A llama2.c checkpoint needs its tokenizer, the .bin file that was made with it (--tokenizer FILE).");

    /// <summary>Opens a safetensors folder, a GGUF file, or a llama2.c checkpoint.</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="tokenizer">The tokenizer of a llama2.c checkpoint; otherwise null.</param>
    /// <exception cref="ModelFormatException">A file is malformed, or the model is of another family.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static ModelSource Open(string path, string? tokenizer = null)
    {
        var name = Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(path));
        if (Directory.Exists(path))
        {
            return OpenFolder(path, Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))));
        }

        if (GgufFile.IsGguf(path))
        {
            return Owned(GgufFile.Open(path), file =>
            {
                RefuseUnread(file.Tensors.Select(tensor => tensor.Name), TensorShape.Of(file.Configuration).Select(tensor => GgufNames.Of(tensor.Name)!));
                return new ModelSource("gguf", name, file.Configuration, file, file.Tokenizer(), file);
            });
        }

        // What a name says is told from what a file holds: an empty download is no checkpoint with a strange header.
        if (Path.GetExtension(path).Equals(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            throw new ModelFormatException($"'{path}' is no GGUF file: it does not begin with 'GGUF'.");
        }

        var checkpoint = Llama2Checkpoint.Open(path);
        var known = tokenizer is null ? null : Llama2TokenizerFile.Read(tokenizer);
        return new ModelSource("llama2.c", name, checkpoint.Configuration, checkpoint, known, null);
    }

    public void Dispose() => _files?.Dispose();

    private static ModelSource OpenFolder(string directory, string name)
    {
        var configuration = ConfigurationFile.Read(Path.Combine(directory, ConfigurationFile.FileName));
        var tokenizer = TokenizerFile.Read(Path.Combine(directory, TokenizerFile.FileName), configuration.BeginToken, configuration.EndTokens);
        return Owned(SafetensorsFolder.Open(directory), files =>
        {
            RefuseUnread(files.Names, TensorShape.Of(configuration).Select(tensor => tensor.Name));
            return new ModelSource("safetensors", name, configuration, files, tokenizer, files);
        });
    }

    // A bias or a norm that is left out would give other answers, and no error. Other tensors repeat what is known (rotary frequencies, a tied head).
    private static void RefuseUnread(IEnumerable<string> names, IEnumerable<string> read)
    {
        var known = read.ToHashSet(StringComparer.Ordinal);
        if (names.FirstOrDefault(name => (name.EndsWith(".bias", StringComparison.Ordinal) || name.EndsWith("norm.weight", StringComparison.Ordinal)) && !known.Contains(name)) is { } unread)
        {
            throw new ModelFormatException($"The tensor '{unread}' has no place in a model of this configuration: the model is of another kind than its configuration says.");
        }
    }

    private static ModelSource Owned<T>(T files, Func<T, ModelSource> open)
        where T : IDisposable
    {
        try
        {
            return open(files);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }
}
