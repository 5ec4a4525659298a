using System.Buffers.Binary;

namespace FederatedDpLlm.Models.Weights.Gguf;

/// <summary>The key-value pairs of a GGUF file, read by name and kind. Whatever is missing or of another kind is a <see cref="ModelFormatException"/> with its name.</summary>
/// <param name="values">Numbers as long, ulong or double, text as string, bool, lists as string[] or <see cref="GgufNumbers"/>.</param>
internal sealed class GgufMetadata(IReadOnlyDictionary<string, object> values)
{
    public IEnumerable<string> Keys => values.Keys;

    public bool Contains(string key) => values.ContainsKey(key);

    public string Text(string key) => Optional<string>(key) ?? throw Missing(key);

    public string? TextOrNull(string key) => Optional<string>(key);

    /// <summary>A whole number within int's range.</summary>
    public int Int(string key) => IntOrNull(key) ?? throw Missing(key);

    public int? IntOrNull(string key) => values.GetValueOrDefault(key) switch
    {
        null => null,
        ulong number when number <= int.MaxValue => (int)number,
        long number when number is >= int.MinValue and <= int.MaxValue => (int)number,
        _ => throw Wrong(key, "a whole number of at most 31 bits"),
    };

    public double? NumberOrNull(string key) => values.GetValueOrDefault(key) switch
    {
        null => null,
        double number => number,
        ulong number => number,
        long number => number,
        _ => throw Wrong(key, "a number"),
    };

    public bool? FlagOrNull(string key) => values.GetValueOrDefault(key) switch
    {
        null => null,
        bool flag => flag,
        _ => throw Wrong(key, "true or false"),
    };

    public IReadOnlyList<string> Texts(string key) => Optional<string[]>(key) ?? throw Missing(key);

    public IReadOnlyList<string>? TextsOrNull(string key) => Optional<string[]>(key);

    public GgufNumbers? NumbersOrNull(string key) => Optional<GgufNumbers>(key);

    private static ModelFormatException Missing(string key) => new($"The GGUF file lacks the entry '{key}'.");

    private static ModelFormatException Wrong(string key, string expected) => new($"The GGUF file's entry '{key}' is not {expected}.");

    private T? Optional<T>(string key)
        where T : class => values.GetValueOrDefault(key) switch
    {
        null => null,
        T value => value,
        _ => throw Wrong(key, typeof(T) == typeof(string) ? "text" : "a list of the expected kind"),
    };
}

/// <summary>A list of numbers, kept as the file's bytes so that it takes no more memory than the file.</summary>
/// <param name="Type">The value type's number.</param>
/// <param name="Bytes">Little-endian.</param>
internal sealed record GgufNumbers(GgufValueType Type, byte[] Bytes)
{
    public int Count => Bytes.Length / Type.SizeBytes();

    public double this[int index]
    {
        get
        {
            var at = Bytes.AsSpan(index * Type.SizeBytes(), Type.SizeBytes());
            return Type switch
            {
                GgufValueType.UInt8 or GgufValueType.Bool => at[0],
                GgufValueType.Int8 => unchecked((sbyte)at[0]),
                GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(at),
                GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(at),
                GgufValueType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(at),
                GgufValueType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(at),
                GgufValueType.Float32 => BinaryPrimitives.ReadSingleLittleEndian(at),
                GgufValueType.UInt64 => BinaryPrimitives.ReadUInt64LittleEndian(at),
                GgufValueType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(at),
                _ => BinaryPrimitives.ReadDoubleLittleEndian(at),
            };
        }
    }
}
