using System.Text.Json;

namespace FederatedDpLlm.Models.Weights;

/// <summary>
/// A folder's tensors: <c>model.safetensors</c>, or the parts that <c>model.safetensors.index.json</c> names. Reference: Hugging Face's sharded checkpoints.
/// </summary>
internal sealed class SafetensorsFolder : ITensorSource, IDisposable
{
    public const string IndexName = "model.safetensors.index.json";
    private const int MostParts = 10_000;
    private readonly List<SafetensorsFile> _files;
    private readonly Dictionary<string, SafetensorsFile> _places = new(StringComparer.Ordinal);

    private SafetensorsFolder(List<SafetensorsFile> files)
    {
        _files = files;
        foreach (var file in files)
        {
            foreach (var name in file.Names)
            {
                if (!_places.TryAdd(name, file))
                {
                    throw new ModelFormatException($"The tensor '{name}' is in two parts of the model.");
                }
            }
        }
    }

    public IEnumerable<string> Names => _places.Keys;

    /// <exception cref="ModelFormatException">A file lies about its content, or the index names what is not a file of the folder.</exception>
    public static SafetensorsFolder Open(string directory)
    {
        var files = new List<SafetensorsFile>();
        try
        {
            files.AddRange(FilesOf(directory).Select(SafetensorsFile.Open));
            return new SafetensorsFolder(files);
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>The files that hold the folder's tensors, in the order of their names.</summary>
    /// <exception cref="ModelFormatException">The index names what is not a file of the folder.</exception>
    public static IEnumerable<string> FilesOf(string directory)
    {
        var index = Path.Combine(directory, IndexName);
        return (File.Exists(index) ? Parts(index) : [SafetensorsFile.FileName]).Order(StringComparer.Ordinal).Select(name => Path.Combine(directory, name));
    }

    public bool Contains(string name) => _places.ContainsKey(name);

    public ElementType TypeOf(string name) => Find(name).TypeOf(name);

    public void Read(string name, int rows, int columns, Span<float> destination) => Find(name).Read(name, rows, columns, destination);

    public void ReadStored(string name, int rows, int columns, int firstRow, Span<byte> destination) => Find(name).ReadStored(name, rows, columns, firstRow, destination);

    public void Dispose() => _files.ForEach(file => file.Dispose());

    private static List<string> Parts(string index)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(index));
            var parts = json.RootElement.GetProperty("weight_map").EnumerateObject().Select(entry => entry.Value.GetString() ?? string.Empty).Distinct(StringComparer.Ordinal).ToList();

            // A name of another folder would read, or tell of, a file that is not the model's.
            return parts.Count is > 0 and <= MostParts && parts.TrueForAll(part => part.Length > 0 && Path.GetFileName(part) == part && part is not ("." or ".."))
                ? parts
                : throw new ModelFormatException($"'{IndexName}' names no parts, too many, or files outside the folder.");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new ModelFormatException($"'{IndexName}' cannot be read: {error.Message}", error);
        }
    }

    private SafetensorsFile Find(string name) => _places.TryGetValue(name, out var file) ? file : throw new ModelFormatException($"The tensor '{name}' is missing.");
}
