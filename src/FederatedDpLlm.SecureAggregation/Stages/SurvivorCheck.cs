using FederatedDpLlm.SecureAggregation.Commitments;
using FederatedDpLlm.SecureAggregation.KeyAgreement;

namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>What a client checks of a survivor set before it signs it.</summary>
internal static class SurvivorCheck
{
    /// <summary>Null where the set is large enough, holds this client's own upload, and nobody in it can be there for appearance only.</summary>
    public static Refusal? Check(ClientMemory memory, SurvivorAnnouncement announcement, IReadOnlyList<byte[]> inclusionProof, RoundParameters parameters)
    {
        if (announcement.Survivors.Count < parameters.MinimumSurvivors)
        {
            return new Refusal(RefusalCode.TooFewSurvivors);
        }

        var holdsOwn = MerkleTree.Verify(
            memory.UploadLeaf, announcement.PlaceOf(memory.Self), announcement.Survivors.Count, inclusionProof, announcement.UploadRoot.Span);
        return holdsOwn && (parameters.Mode == AggregationMode.Committee || SurvivorsAreDealers(memory, announcement, parameters)) ? null : new Refusal(RefusalCode.Equivocation);
    }

    // A neighbour whose shares never came cannot have been masked with: a set that holds it was made for somebody else's eyes. Whoever never advertised is nobody's
    // neighbour and carries no masks: a set that holds him pretends to be larger than it is.
    private static bool SurvivorsAreDealers(ClientMemory memory, SurvivorAnnouncement announcement, RoundParameters parameters)
    {
        if (!announcement.Survivors.All(memory.Members.Contains))
        {
            return false;
        }

        var graph = SharingGraph.Build(parameters.Clients, memory.Members, parameters.Sharing, memory.Advertisements);
        return announcement.Survivors.All(survivor => !graph.AreNeighbours(memory.Self, survivor) || memory.Held.ContainsKey(survivor));
    }
}
