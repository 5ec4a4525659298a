namespace FederatedDpLlm.Inference;

/// <summary>A node's side of a private decoding whose tokens the router draws.</summary>
public interface INodeDecoding : IAsyncDisposable
{
    /// <summary>The step to draw from; the same object until <see cref="AppendAsync"/>.</summary>
    DecodingStep Current { get; }

    /// <summary>Another answer to the same prompt, from the prompt's end: what was read is not read again. Asked before anything was appended; disposed on its own.</summary>
    INodeDecoding Fork();

    /// <summary>Whether a drawn token ends the answer: it is not appended.</summary>
    bool IsEnd(int token);

    /// <summary>Takes the token that the router drew and computes the next step.</summary>
    /// <returns>The text that the token adds to the answer; empty where its characters are not complete yet.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The token is none of the candidates.</exception>
    /// <exception cref="InvalidOperationException">The plan's tokens are used up.</exception>
    Task<string> AppendAsync(int token, CancellationToken cancellationToken);
}
