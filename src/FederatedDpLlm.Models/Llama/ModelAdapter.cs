using FederatedDpLlm.Models.Weights;
using FederatedDpLlm.Models.Weights.Adapters;

namespace FederatedDpLlm.Models.Llama;

/// <summary>
/// A low-rank adapter beside a model's weights, which stay as they are stored and shared: y = W x + (alpha / rank) B (A x), in this order, so that a row's bits
/// are the same in any company. Merged into the weights (<see cref="LanguageModel.Load"/>) the same adapter differs by rounding.
/// Reference: Hu et al. 2021, arXiv:2106.09685; many in one batch: Chen et al. 2023, Punica, arXiv:2310.18547.
/// </summary>
public sealed class ModelAdapter
{
    private static long _made;
    private readonly PackedFactors?[,] _factors;
    private readonly ModelConfiguration _shape;

    internal ModelAdapter(ModelConfiguration shape, LoraAdapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        (_shape, Number) = (shape, Interlocked.Increment(ref _made));
        _factors = new PackedFactors?[shape.Layers, Enum.GetValues<AdaptedMatrix>().Length];
        var places = PlacesOf(shape);
        foreach (var module in adapter.Modules)
        {
            if (!places.TryGetValue(module.Matrix, out var place))
            {
                throw new ModelFormatException($"The adapter changes '{module.Matrix}', which is no matrix of the model's layers.");
            }

            var (outputs, inputs) = SizeOf(shape, place.Matrix);
            if (module.Outputs != outputs || module.Inputs != inputs)
            {
                throw new ModelFormatException($"The adapter's factors of '{module.Matrix}' make a [{module.Outputs}, {module.Inputs}] matrix, the model has [{outputs}, {inputs}].");
            }

            _factors[place.Layer, (int)place.Matrix] = new PackedFactors(module, adapter.Rank, (float)(adapter.Alpha / adapter.Rank));
        }
    }

    /// <summary>Its own within the process, from 1 on.</summary>
    internal long Number { get; }

    /// <exception cref="ArgumentException">It was made for a model of another shape.</exception>
    internal void Check(ModelConfiguration shape)
    {
        if (shape != _shape)
        {
            throw new ArgumentException("The adapter was made for another model.", nameof(shape));
        }
    }

    internal PackedFactors? Factors(int layer, AdaptedMatrix matrix) => _factors[layer, (int)matrix];

    private static Dictionary<string, (int Layer, AdaptedMatrix Matrix)> PlacesOf(ModelConfiguration shape) =>
        Enumerable.Range(0, shape.Layers).SelectMany(layer => Enum.GetValues<AdaptedMatrix>().Select(matrix => (layer, matrix)))
            .ToDictionary(place => NameOf(place.layer, place.matrix), place => place, StringComparer.Ordinal);

    private static string NameOf(int layer, AdaptedMatrix matrix) => matrix switch
    {
        AdaptedMatrix.Query => TensorNames.Query(layer),
        AdaptedMatrix.Key => TensorNames.Key(layer),
        AdaptedMatrix.Value => TensorNames.Value(layer),
        AdaptedMatrix.Output => TensorNames.Output(layer),
        AdaptedMatrix.Gate => TensorNames.Gate(layer),
        AdaptedMatrix.Up => TensorNames.Up(layer),
        _ => TensorNames.Down(layer),
    };

    private static (int Outputs, int Inputs) SizeOf(ModelConfiguration shape, AdaptedMatrix matrix) => matrix switch
    {
        AdaptedMatrix.Query => (shape.QueryWidth, shape.Width),
        AdaptedMatrix.Key or AdaptedMatrix.Value => (shape.KeyValueWidth, shape.Width),
        AdaptedMatrix.Output => (shape.Width, shape.QueryWidth),
        AdaptedMatrix.Gate or AdaptedMatrix.Up => (shape.FeedForwardWidth, shape.Width),
        _ => (shape.Width, shape.FeedForwardWidth),
    };
}
