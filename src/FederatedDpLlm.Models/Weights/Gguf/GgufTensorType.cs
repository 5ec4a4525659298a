namespace FederatedDpLlm.Models.Weights.Gguf;

/// <summary>The tensor types of GGUF: how large their blocks are, and which of them are read. Reference: ggml-org/llama.cpp, ggml/include/ggml.h enum ggml_type.</summary>
/// <param name="Number">As written in the file.</param>
/// <param name="Name">The name in GGUF's documentation.</param>
/// <param name="BlockElements">Elements of a block.</param>
/// <param name="BlockBytes">Bytes of a block.</param>
/// <param name="Element">Null where the type is known but not read.</param>
internal sealed record GgufTensorType(uint Number, string Name, int BlockElements, int BlockBytes, ElementType? Element = null)
{
    private static readonly GgufTensorType[] Known =
    [
        new(0, "F32", 1, 4, ElementType.Float32),
        new(1, "F16", 1, 2, ElementType.Float16),
        new(2, "Q4_0", 32, 18, ElementType.Q4_0),
        new(3, "Q4_1", 32, 20),
        new(6, "Q5_0", 32, 22),
        new(7, "Q5_1", 32, 24),
        new(8, "Q8_0", 32, 34, ElementType.Q8_0),
        new(9, "Q8_1", 32, 36),
        new(10, "Q2_K", 256, 84),
        new(11, "Q3_K", 256, 110),
        new(12, "Q4_K", 256, 144, ElementType.Q4_K),
        new(13, "Q5_K", 256, 176),
        new(14, "Q6_K", 256, 210, ElementType.Q6_K),
        new(15, "Q8_K", 256, 292),
        new(24, "I8", 1, 1),
        new(25, "I16", 1, 2),
        new(26, "I32", 1, 4),
        new(27, "I64", 1, 8),
        new(28, "F64", 1, 8),
        new(30, "BF16", 1, 2, ElementType.BFloat16),
    ];

    public static GgufTensorType? Find(uint number) => Array.Find(Known, type => type.Number == number);

    public static GgufTensorType Of(ElementType element) => Known.First(type => type.Element == element);

    /// <summary>Bytes of a row of whole blocks.</summary>
    public long RowBytes(long columns) => checked(columns / BlockElements * BlockBytes);
}
