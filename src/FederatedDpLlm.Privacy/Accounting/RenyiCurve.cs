using System.Collections.Concurrent;
using System.Collections.Immutable;
using FederatedDpLlm.Privacy.Numerics;

namespace FederatedDpLlm.Privacy.Accounting;

/// <summary>An event's Renyi divergences at many orders, computed once and then cheap to repeat, add and convert.</summary>
public sealed class RenyiCurve
{
    private const int LargestCache = 4096;
    private static readonly ConcurrentDictionary<PrivacyEvent, RenyiCurve> Cache = new();
    private readonly double[] _orders;
    private readonly double[] _divergences;

    // epsilon = divergence + ln(1/delta) PerLog + Constant, by the conversion of Canonne, Kamath, Steinke; an order of 1 converts to nothing.
    private readonly (double PerLog, double Constant)[] _conversions;

    private RenyiCurve(double[] orders, (double PerLog, double Constant)[] conversions, double[] divergences) =>
        (_orders, _conversions, _divergences) = (orders, conversions, divergences);

    /// <summary>From 1.01 to 98,304, closer together near 1: enough that the best of them is within 1 % of the best of all where epsilon is between 0.01 and 500.</summary>
    public static ImmutableArray<double> DefaultOrders { get; } =
    [
        1.01, 1.015, 1.02, 1.03, 1.04, 1.05, 1.07, 1.1, 1.15, 1.2, 1.25, .. Enumerable.Range(13, 17).Select(tenth => tenth / 10.0), .. Enumerable.Range(12, 12).Select(quarter => quarter / 4.0),
        .. Enumerable.Range(12, 10).Select(half => half / 2.0), .. Enumerable.Range(11, 53).Select(order => (double)order),
        .. Enumerable.Range(6, 11).SelectMany(power => new[] { (double)(1 << power), 1.5 * (1 << power) }),
    ];

    /// <summary>The curve of an event; those at the default orders are remembered (a few thousand of them).</summary>
    public static RenyiCurve Of(PrivacyEvent released, IEnumerable<double>? orders = null)
    {
        ArgumentNullException.ThrowIfNull(released);
        if (orders is not null)
        {
            return Compute(released, [.. orders]);
        }

        if (released is RepeatedEvent { Count: > 0 } repeated)
        {
            return Of(repeated.Part).Times(repeated.Count);
        }

        if (Cache.TryGetValue(released, out var known))
        {
            return known;
        }

        // To count takes all of the dictionary's locks, of which there are more the larger it has been: only where there is something to add.
        if (Cache.Count > LargestCache)
        {
            Cache.Clear();
        }

        return Cache.GetOrAdd(released, static one => Compute(one, [.. DefaultOrders]));
    }

    /// <summary>The same event <paramref name="count"/> times.</summary>
    public RenyiCurve Times(long count)
    {
        var factor = Rounded.OfUp(Require.AtLeast(0, count));
        return new(_orders, _conversions, Array.ConvertAll(_divergences, divergence => factor == 0 ? 0 : Rounded.MultiplyUp(divergence, factor)));
    }

    /// <summary>Both, on the same units.</summary>
    /// <exception cref="ArgumentException">The curves have different orders.</exception>
    public RenyiCurve And(RenyiCurve other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return _orders.AsSpan().SequenceEqual(other._orders)
            ? new(_orders, _conversions, [.. _divergences.Zip(other._divergences, Rounded.AddUp)])
            : throw new ArgumentException("Curves add up order by order; these have different orders.", nameof(other));
    }

    /// <summary>The divergence at each order.</summary>
    public IEnumerable<(double Order, double Divergence)> Points => _orders.Zip(_divergences);

    /// <summary>The smallest epsilon over the orders, at least 0, rounded up.</summary>
    public double EpsilonAt(Delta delta) => EpsilonAt(delta, 1);

    /// <summary>The same of so many of them, without a curve of its own.</summary>
    internal double EpsilonAt(Delta delta, long count)
    {
        var factor = Rounded.OfUp(count);
        double best = double.PositiveInfinity, least = double.PositiveInfinity, log = delta.Value == 0 ? double.PositiveInfinity : -Math.Log(delta.Value);
        var chosen = -1;
        for (var i = 0; i < _orders.Length; i++)
        {
            var divergence = _divergences[i];
            if (divergence == 0 || double.IsPositiveInfinity(_orders[i]))
            {
                best = Math.Min(best, Rounded.MultiplyUp(divergence, factor));
            }
            else if ((divergence * factor) + (log * _conversions[i].PerLog) + _conversions[i].Constant is var epsilon && epsilon < least)
            {
                (least, chosen) = (epsilon, i);
            }
        }

        // Only the order that looks best is evaluated with its rounding: every order is sound.
        return chosen < 0 ? best : Math.Min(best, Math.Max(0, ConversionCurve.EpsilonOfRenyi(Rounded.MultiplyUp(_divergences[chosen], factor), _orders[chosen] - 1, delta.Value)));
    }

    /// <summary>The smallest delta over the orders at an epsilon (which may be negative), rounded up (Canonne, Kamath, Steinke, arXiv:2004.00010, Proposition 12).</summary>
    public double DeltaAt(double epsilon)
    {
        var best = 1.0;
        for (var i = 0; i < _orders.Length; i++)
        {
            var (excess, divergence) = (_orders[i] - 1, _divergences[i]);
            if (double.IsPositiveInfinity(excess) || divergence == 0)
            {
                best = divergence <= epsilon ? 0 : best;
            }
            else if (excess > 0 && double.IsFinite(divergence))
            {
                // delta = e^(a (D - epsilon)) (a/(1+a))^a / (1+a).
                double first = excess * (divergence - epsilon), second = (excess * Elementary.LogOnePlus(1 / excess)) + Elementary.LogOnePlus(excess);
                best = Math.Min(best, Math.Exp(first - second + (8 * Elementary.RelativeError * (Math.Abs(first) + second + (excess * (divergence + Math.Abs(epsilon)))))));
            }
        }

        return best;
    }

    private static RenyiCurve Compute(PrivacyEvent released, double[] orders) =>
        new(orders, Array.ConvertAll(orders, Conversion), Array.ConvertAll(orders, order => Renyi.DivergenceOf(released, new(order))));

    private static (double PerLog, double Constant) Conversion(double order) =>
        order > 1 ? (1 / (order - 1), Math.Log(1 - (1 / order)) - (Math.Log(order) / (order - 1))) : (double.PositiveInfinity, 0);
}
