using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Privacy.Mechanisms;

namespace FederatedDpLlm.Inference.Voters;

/// <summary>The voters of one node in a private decoding: their contexts in step, their clipped differences added up.</summary>
public sealed class NodeDecoding(IDecodingBatch batch, ClippedLogitDecoding mechanism, int voters) : IAsyncDisposable
{
    private DecodingStep? _current;
    private int _appended;
    private string _text = "";

    /// <summary>The step to draw from; the same object until <see cref="AppendAsync"/>.</summary>
    public DecodingStep Current => _current ??= Step();

    /// <summary>Another answer to the same prompt, from the prompt's end: what was read is not read again. Asked before anything was appended; disposed on its own.</summary>
    public NodeDecoding Fork() => new(batch.Fork(), mechanism, voters);

    /// <summary>Whether a drawn token ends the answer: it is not appended.</summary>
    public bool IsEnd(int token) => batch.IsEnd(token);

    /// <summary>Takes the token that the router drew and computes the next step.</summary>
    /// <returns>The text that the token adds to the answer; empty where its characters are not complete yet.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The token is none of the candidates.</exception>
    /// <exception cref="InvalidOperationException">The plan's tokens are used up.</exception>
    public async Task<string> AppendAsync(int token, CancellationToken cancellationToken)
    {
        if (!Current.Candidates.Contains(token))
        {
            throw new ArgumentOutOfRangeException(nameof(token), "The token is none of the candidates.");
        }

        if (_appended == mechanism.MaxTokens)
        {
            throw new InvalidOperationException("The plan's tokens are used up.");
        }

        _appended++;
        await batch.AppendAsync(token, cancellationToken).ConfigureAwait(false);
        _current = null;
        var added = batch.Text[_text.Length..];
        _text = batch.Text;
        return added;
    }

    public ValueTask DisposeAsync() => batch.DisposeAsync();

    private DecodingStep Step()
    {
        var sums = new long[batch.Candidates.Count];
        var reference = Finite(batch.Logits(0));
        for (var voter = 1; voter <= voters; voter++)
        {
            mechanism.Add(batch.Logits(voter), reference, sums);
        }

        return new DecodingStep([.. batch.Candidates], reference, sums, voters);
    }

    // A candidate that the public model does not offer cannot be drawn; the difference to it must still be a number.
    private static float[] Finite(ReadOnlySpan<float> logits)
    {
        var finite = logits.ToArray();
        for (var i = 0; i < finite.Length; i++)
        {
            finite[i] = float.IsNaN(finite[i]) || float.IsPositiveInfinity(finite[i]) ? float.NegativeInfinity : finite[i];
        }

        return finite;
    }
}
