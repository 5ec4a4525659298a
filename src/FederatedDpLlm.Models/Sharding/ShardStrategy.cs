namespace FederatedDpLlm.Models.Sharding;

/// <summary>How a model is cut over nodes. Every way gives the same bits.</summary>
public enum ShardStrategy
{
    /// <summary>Not at all: one node holds every layer.</summary>
    None,

    /// <summary>Contiguous ranges of layers; one chunk is on its way at a time.</summary>
    Layer,

    /// <summary>Ranges of layers with micro-batches in flight: while one stage computes a chunk, the stage before computes the next.</summary>
    Pipeline,

    /// <summary>The attention's heads (and their cache) are spread; each layer's feed-forward part is whole on one of the nodes, in turn.</summary>
    Attention,

    /// <summary>Heads and feed-forward slices of every layer are spread (Shoeybi et al. 2019, arXiv 1909.08053).</summary>
    Tensor,

    /// <summary>Two ranges of layers, each spread as in <see cref="Tensor"/>.</summary>
    TensorPipeline,
}
