namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>Flattens compositions and repetitions into distinct single events with their counts.</summary>
internal static class EventTree
{
    public static IReadOnlyList<(PrivacyEvent Event, long Count)> Flatten(PrivacyEvent root)
    {
        var counts = new Dictionary<PrivacyEvent, long>();
        Visit(root, 1, counts);
        return [.. counts.Select(pair => (pair.Key, pair.Value))];
    }

    private static void Visit(PrivacyEvent node, long count, Dictionary<PrivacyEvent, long> counts)
    {
        switch (node)
        {
            case ZeroEvent:
                break;
            case RepeatedEvent repeated when repeated.Count > 0:
                Visit(repeated.Part, checked(count * repeated.Count), counts);
                break;
            case RepeatedEvent:
                break;
            case ComposedEvent composed:
                foreach (var part in composed.Parts)
                {
                    Visit(part, count, counts);
                }

                break;
            default:
                counts[node] = checked(counts.GetValueOrDefault(node) + count);
                break;
        }
    }
}
