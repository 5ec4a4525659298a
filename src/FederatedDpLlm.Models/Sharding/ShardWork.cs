namespace FederatedDpLlm.Models.Sharding;

/// <summary>Rows of one session in a request.</summary>
/// <param name="Session">The session that they belong to.</param>
/// <param name="Position">The first row's place in its sequence.</param>
/// <param name="Count">How many, at least one.</param>
public readonly record struct ShardRows(Guid Session, int Position, int Count);

/// <summary>
/// One request to a shard. Repeating it changes nothing: rows are written at their stated position, so a second time overwrites the cache with the same bits
/// and gives the same answer. One that goes on from the request before is refused unless it follows that one, and then changes nothing either.
/// </summary>
/// <param name="Kind">What to compute.</param>
/// <param name="FirstLayer">The first layer.</param>
/// <param name="EndLayer">The layer after the last.</param>
/// <param name="Rows">Whose rows, in the order of the stream.</param>
/// <param name="Stream">The residual stream, row-major [row][width].</param>
/// <param name="GoesOn">
/// Whether <paramref name="Stream"/> holds, in place of the stream, the sums that the only other shard of the step before computed in it; this shard has the rest.
/// </param>
public sealed record ShardWork(ShardStepKind Kind, int FirstLayer, int EndLayer, IReadOnlyList<ShardRows> Rows, ReadOnlyMemory<float> Stream, bool GoesOn = false)
{
    /// <summary>Most rows of one request.</summary>
    public const int MostRows = 256;

    /// <summary>All rows together.</summary>
    public int RowCount => Rows.Sum(rows => rows.Count);
}
