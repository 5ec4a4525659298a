namespace FederatedDpLlm.Models.Weights.Adapters;

/// <summary>A low-rank adapter: W becomes W + (alpha / rank) B A (Hu et al. 2021, arXiv 2106.09685).</summary>
public sealed class LoraAdapter
{
    /// <summary>The highest rank that is read.</summary>
    public const int LargestRank = 1024;

    internal LoraAdapter(int rank, double alpha, IReadOnlyList<LoraModule> modules)
    {
        if (rank is < 1 or > LargestRank || !double.IsFinite(alpha))
        {
            throw new ModelFormatException($"The adapter's rank is not within 1 to {LargestRank}, or its alpha is not finite.");
        }

        if (modules.Count == 0 || modules.Select(module => module.Matrix).Distinct(StringComparer.Ordinal).Count() != modules.Count)
        {
            throw new ModelFormatException("The adapter changes no matrix, or one of them twice.");
        }

        if (modules.Any(module => module.A.Length != (long)rank * module.Inputs || module.B.Length != (long)rank * module.Outputs))
        {
            throw new ModelFormatException("A factor of the adapter has another rank than the adapter.");
        }

        (Rank, Alpha, Modules) = (rank, alpha, modules);
    }

    /// <summary>The inner dimension of the factors.</summary>
    public int Rank { get; }

    /// <summary>The scale of B A is alpha / rank.</summary>
    public double Alpha { get; }

    /// <summary>The names of the matrices that it changes.</summary>
    public IEnumerable<string> Matrices => Modules.Select(module => module.Matrix);

    internal IReadOnlyList<LoraModule> Modules { get; }

    /// <summary>Reads an adapter: PEFT's folder, or a GGUF file.</summary>
    /// <exception cref="ModelFormatException">A file is malformed, or of a kind that is not read.</exception>
    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    public static LoraAdapter Read(string path) => Directory.Exists(path) ? PeftAdapter.Read(path) : GgufAdapter.Read(path);
}
