namespace FederatedDpLlm.SecureAggregation.Robust;

/// <summary>The squared distances between all pairs of vectors.</summary>
internal sealed class PairwiseDistances
{
    private readonly double[,] _squared;

    public PairwiseDistances(IReadOnlyList<ReadOnlyMemory<float>> vectors)
    {
        _squared = new double[vectors.Count, vectors.Count];
        for (var i = 0; i < vectors.Count; i++)
        {
            for (var j = i + 1; j < vectors.Count; j++)
            {
                _squared[i, j] = _squared[j, i] = VectorMath.SquaredDistance(vectors[i].Span, vectors[j].Span);
            }
        }
    }

    public double this[int one, int other] => _squared[one, other];
}
