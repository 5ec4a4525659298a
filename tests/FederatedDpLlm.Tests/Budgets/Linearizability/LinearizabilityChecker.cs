namespace FederatedDpLlm.Tests.Budgets.Linearizability;

/// <summary>
/// Whether calls that overlapped can be put in one order that a sequential object would have answered alike, and in which no call moves out of its own interval.
/// </summary>
/// <remarks>Wing, Gong, "Testing and verifying concurrent objects" (1993), with the cache of Lowe, "Testing for linearizability" (2017).</remarks>
internal static class LinearizabilityChecker
{
    /// <param name="history">Every call.</param>
    /// <param name="initial">The object's first state.</param>
    /// <param name="step">The state after a call, or null where the object would not have answered so. States are compared by value.</param>
    public static bool IsLinearizable<TState, TCall>(IReadOnlyList<TimedCall<TCall>> history, TState initial, Func<TState, TCall, TState?> step)
        where TState : class
    {
        var head = Link(history);
        var taken = new ulong[(history.Count + 63) / 64];
        var seen = new HashSet<Visited<TState>>();
        var chosen = new Stack<(Event<TCall> Event, TState Before)>();
        var (state, at) = (initial, head.Next);
        while (head.Next is not null)
        {
            if (at!.Return is null)
            {
                // A call that returned before it could be placed: take back the last choice.
                if (!chosen.TryPop(out var last))
                {
                    return false;
                }

                state = last.Before;
                taken[last.Event.Index / 64] &= ~(1UL << (last.Event.Index % 64));
                last.Event.PutBack();
                at = last.Event.Next;
                continue;
            }

            var after = step(state, at.Call!);
            taken[at.Index / 64] |= 1UL << (at.Index % 64);
            if (after is not null && seen.Add(new Visited<TState>([.. taken], after)))
            {
                chosen.Push((at, state));
                state = after;
                at.TakeOut();
                at = head.Next;
            }
            else
            {
                taken[at.Index / 64] &= ~(1UL << (at.Index % 64));
                at = at.Next;
            }
        }

        return true;
    }

    private static Event<TCall> Link<TCall>(IReadOnlyList<TimedCall<TCall>> history)
    {
        var events = new List<(long Time, bool IsReturn, Event<TCall> Event)>();
        for (var i = 0; i < history.Count; i++)
        {
            var returned = new Event<TCall>(i, default, null);
            events.Add((history[i].Called, false, new Event<TCall>(i, history[i].Call, returned)));
            events.Add((history[i].Returned, true, returned));
        }

        var head = new Event<TCall>(-1, default, null);
        var last = head;
        foreach (var (_, _, next) in events.OrderBy(entry => entry.Time).ThenBy(entry => entry.IsReturn))
        {
            (last.Next, next.Previous) = (next, last);
            last = next;
        }

        return head;
    }

    /// <summary>A call or (where <see cref="Return"/> is null) a return, in order of time.</summary>
    private sealed class Event<TCall>(int index, TCall? call, Event<TCall>? @return)
    {
        public int Index => index;

        public TCall? Call => call;

        public Event<TCall>? Return => @return;

        public Event<TCall>? Previous { get; set; }

        public Event<TCall>? Next { get; set; }

        public void TakeOut()
        {
            Unlink(this);
            Unlink(Return!);
        }

        public void PutBack()
        {
            Relink(Return!);
            Relink(this);
        }

        private static void Unlink(Event<TCall> one)
        {
            one.Previous!.Next = one.Next;
            if (one.Next is not null)
            {
                one.Next.Previous = one.Previous;
            }
        }

        private static void Relink(Event<TCall> one)
        {
            one.Previous!.Next = one;
            if (one.Next is not null)
            {
                one.Next.Previous = one;
            }
        }
    }

    private sealed class Visited<TState>(ulong[] taken, TState state) : IEquatable<Visited<TState>>
        where TState : class
    {
        private readonly ulong[] _taken = taken;
        private readonly TState _state = state;

        public bool Equals(Visited<TState>? other) => other is not null && _taken.AsSpan().SequenceEqual(other._taken) && _state.Equals(other._state);

        public override bool Equals(object? obj) => Equals(obj as Visited<TState>);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            foreach (var word in _taken)
            {
                hash.Add(word);
            }

            hash.Add(_state);
            return hash.ToHashCode();
        }
    }
}
