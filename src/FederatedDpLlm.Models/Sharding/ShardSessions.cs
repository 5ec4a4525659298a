using FederatedDpLlm.Models.KvCache;

namespace FederatedDpLlm.Models.Sharding;

/// <summary>The caches of a shard's sessions; beyond the most that it keeps, the one that was used least recently goes. One thread at a time.</summary>
internal sealed class ShardSessions(KvLayout layout, int caches, int mostSessions) : IDisposable
{
    private readonly KvBlockPool _pool = new(layout);
    private readonly Dictionary<Guid, LinkedListNode<Session>> _sessions = [];
    private readonly LinkedList<Session> _byUse = new();

    public int Count => _sessions.Count;

    public Session Open(Guid id)
    {
        if (_sessions.TryGetValue(id, out var node))
        {
            _byUse.Remove(node);
            _byUse.AddLast(node);
            return node.Value;
        }

        if (_sessions.Count >= mostSessions)
        {
            Close(_byUse.First!.Value.Id);
        }

        node = _byUse.AddLast(new Session(id, new KvSequence(_pool), new int[caches]));
        _sessions[id] = node;
        return node.Value;
    }

    public void Close(Guid id)
    {
        if (_sessions.Remove(id, out var node))
        {
            _byUse.Remove(node);
            node.Value.Sequence.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (var id in _sessions.Keys.ToList())
        {
            Close(id);
        }
    }

    /// <param name="Id">The session.</param>
    /// <param name="Sequence">Its keys and values.</param>
    /// <param name="Written">Positions written so far, for each place in the cache: they must grow without a gap.</param>
    public sealed record Session(Guid Id, KvSequence Sequence, int[] Written);
}
