namespace FederatedDpLlm.Benchmarks;

/// <summary>One figure, beside its peer's from the same run.</summary>
/// <param name="Setting">The shape and the threads, as in <c>135M 1 thread</c>.</param>
/// <param name="Figure">The median.</param>
/// <param name="Unit">Of both figures.</param>
/// <param name="Peer">What it is compared with; null where there is nothing.</param>
/// <param name="PeerFigure">The peer's median, measured in the same run.</param>
/// <param name="LowerIsBetter">Whether a smaller figure is the better one (a time, bytes).</param>
internal sealed record Measurement(string Setting, double Figure, string Unit, string? Peer = null, double? PeerFigure = null, bool LowerIsBetter = false)
{
    /// <summary>How many times better than the peer, whatever the unit: above 1 is better.</summary>
    public double? Ratio => PeerFigure is { } peer ? (LowerIsBetter ? peer / Figure : Figure / peer) : null;
}
