namespace FederatedDpLlm.Models.Serving;

/// <summary>What a batcher holds now. Kept prompts are not shown: they would tell what others ask.</summary>
/// <param name="Running">Streams and other works under way.</param>
/// <param name="Waiting">Streams that wait for their turn.</param>
/// <param name="CacheBytes">Memory of the key-value cache that is set aside for streams and batches.</param>
public readonly record struct ServingLoad(int Running, int Waiting, long CacheBytes);
