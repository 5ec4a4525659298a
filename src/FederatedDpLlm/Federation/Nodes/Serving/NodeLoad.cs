namespace FederatedDpLlm.Federation.Nodes.Serving;

/// <summary>Questions that this node works on now.</summary>
public sealed class NodeLoad
{
    private int _inFlight;

    public int InFlight => Volatile.Read(ref _inFlight);

    public IDisposable Enter()
    {
        Interlocked.Increment(ref _inFlight);
        return new Entered(this);
    }

    private sealed class Entered(NodeLoad load) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                Interlocked.Decrement(ref load._inFlight);
            }
        }
    }
}
