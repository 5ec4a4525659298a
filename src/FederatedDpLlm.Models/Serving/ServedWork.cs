using FederatedDpLlm.Models.Llama;

namespace FederatedDpLlm.Models.Serving;

/// <summary>Somebody who has work for the passes: one work after the other, until there is none or it is cancelled.</summary>
internal abstract class ServedWork(CancellationToken cancellation)
{
    /// <summary>What the coming passes take of it; null when it is over.</summary>
    public ForwardWork? Work { get; protected set; }

    /// <summary>Whether the pass that runs now writes its memory. Under the batcher's lock.</summary>
    public bool InPass { get; set; }

    public CancellationToken Cancellation => cancellation;

    /// <summary>The work is done: sets the next one.</summary>
    public abstract void Advance();

    /// <summary>Gives its memory back and tells whoever waits; null for a good end. Called once.</summary>
    public abstract void End(Exception? fault);
}
