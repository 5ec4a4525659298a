namespace FederatedDpLlm.Inference.Engines;

/// <summary>Many contexts decoded in step: the same token is appended to all of them.</summary>
public interface IDecodingBatch : IAsyncDisposable
{
    /// <summary>The candidates of this step, in a fixed order shared by all contexts; the whole vocabulary for the embedded engine.</summary>
    IReadOnlyList<int> Candidates { get; }

    /// <summary>The same contexts once more, without reading them again; changes of one do not show in the other. Asked before anything was appended; disposed on its own.</summary>
    IDecodingBatch Fork();

    /// <summary>The token that ends an answer.</summary>
    bool IsEnd(int token);

    /// <summary>Logits of context <paramref name="index"/> over <see cref="Candidates"/>; NaN where the engine gave none for a candidate.</summary>
    ReadOnlySpan<float> Logits(int index);

    /// <summary>Appends one token to every context and computes the next logits.</summary>
    Task AppendAsync(int token, CancellationToken cancellationToken);

    /// <summary>The text that the tokens appended so far add to the answer.</summary>
    string Text { get; }
}
