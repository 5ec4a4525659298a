using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;

namespace FederatedDpLlm.Models.Training.Private;

/// <summary>
/// Two factors beside every linear map of the layers: W + (alpha / rank) B A, of which only A [rank, inputs] and B [outputs, rank] are trained (Hu et al.,
/// arXiv:2106.09685). A begins at random and B at zero, so that training begins at the base model. Named as PEFT names them.
/// </summary>
internal sealed unsafe class LowRankFactors : TrainedParameters
{
    /// <summary>Most columns that the kernels handle at once.</summary>
    public const int LargestRank = MatrixTile.Columns;

    private readonly TensorSet _base;

    /// <param name="shape">Of the base model.</param>
    /// <param name="weights">The base model; not changed.</param>
    /// <param name="rank">1 to 32.</param>
    /// <param name="alpha">The scale of B A is alpha / rank.</param>
    /// <param name="seed">Of the random beginning of A.</param>
    public LowRankFactors(ModelConfiguration shape, TensorSet weights, int rank, double alpha, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rank, LargestRank);
        (_base, Rank, Alpha) = (weights, rank, alpha);
        Maps = [.. weights.Shapes.Where(tensor => !tensor.IsVector && tensor.Name is not (TensorNames.Embedding or TensorNames.Head))];
        Values = TensorSet.Zeros([.. Maps.SelectMany(map => new TensorShape[] { new(NameA(map), rank, map.Columns), new(NameB(map), map.Rows, rank) })]);
        Effective = TensorSet.Read(shape, weights);
        for (var map = 0; map < Maps.Count; map++)
        {
            var random = new CounterRandom(seed, (ulong)map);
            foreach (ref var value in Values[NameA(Maps[map])].Span)
            {
                value = (float)(random.NextNormal() / Math.Sqrt(Maps[map].Columns));
            }
        }
    }

    public int Rank { get; }

    public double Alpha { get; }

    public float Scale => (float)(Alpha / Rank);

    /// <summary>The matrices that have factors.</summary>
    public IReadOnlyList<TensorShape> Maps { get; }

    public override TensorSet Values { get; }

    public override TensorSet Effective { get; }

    public static string NameA(TensorShape map) => "base_model.model." + map.Name.Replace(".weight", ".lora_A.weight", StringComparison.Ordinal);

    public static string NameB(TensorShape map) => "base_model.model." + map.Name.Replace(".weight", ".lora_B.weight", StringComparison.Ordinal);

    public override void Apply()
    {
        foreach (var map in Maps)
        {
            var (target, a) = (Effective[map.Name], Values[NameA(map)]);
            var scaled = FloatBuffer.CopyOf(Values[NameB(map)].Span);
            Elementwise.Scale(scaled.Pointer, Scale, scaled.Length);
            _base[map.Name].Span.CopyTo(target.Span);
            MatrixProduct.Multiply(map.Rows, map.Columns, Rank, scaled.Pointer, Rank, 1, a.Pointer, map.Columns, target.Pointer, map.Columns, accumulate: true);
            GC.KeepAlive(scaled);
        }
    }

    public override ExampleGradients Gradients(int longest) => new LowRankGradients(this, longest);

    /// <summary>The factors as they are now.</summary>
    public LoraAdapter ToAdapter() => new(
        Rank, Alpha, [.. Maps.Select(map => new LoraModule(map.Name, map.Rows, map.Columns, Values[NameA(map)].Span.ToArray(), Values[NameB(map)].Span.ToArray()))]);
}
