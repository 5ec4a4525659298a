namespace FederatedDpLlm.Privacy.Accounting.Losses;

/// <summary>Countably many outcomes with their masses under both distributions.</summary>
internal sealed class AtomicPair : DominatingPair
{
    private readonly double[] _losses;
    private readonly Masses[] _above;
    private readonly Masses[] _below;
    private readonly double _lattice;

    /// <param name="atoms">Outcomes; together they have mass 1 under each distribution, but for <paramref name="rest"/>.</param>
    /// <param name="rest">What was cut off, charged to an infinite loss.</param>
    public AtomicPair(IEnumerable<Masses> atoms, double rest = 0)
    {
        var all = atoms.Where(atom => atom.P > 0 || atom.Q > 0).ToList();
        var infinite = all.Where(atom => atom.Q == 0).Sum(atom => atom.P) + rest;
        var unseen = all.Where(atom => atom.P == 0).Sum(atom => atom.Q);
        var finite = all.Where(atom => atom is { P: > 0, Q: > 0 }).OrderBy(atom => Math.Log(atom.P / atom.Q)).ToArray();
        _losses = [.. finite.Select(atom => Math.Log(atom.P / atom.Q))];
        _above = new Masses[finite.Length + 1];
        _below = new Masses[finite.Length + 1];
        _above[^1] = new(infinite, 0);
        _below[0] = new(0, unseen);
        for (var i = finite.Length - 1; i >= 0; i--)
        {
            _above[i] = new(_above[i + 1].P + finite[i].P, _above[i + 1].Q + finite[i].Q);
        }

        for (var i = 0; i < finite.Length; i++)
        {
            _below[i + 1] = new(_below[i].P + finite[i].P, _below[i].Q + finite[i].Q);
        }

        _lattice = Lattice();
    }

    public override double Smallest => _losses.Length == 0 ? 0 : _losses[0];

    public override double Largest => _losses.Length == 0 ? 0 : _losses[^1];

    public override double Spacing => _lattice > 0 ? _lattice : base.Spacing;

    // Masses far out have the rounding error of their exponent.
    public override double Rounding => 1e-12 * (1 + Math.Max(Math.Abs(Smallest), Math.Abs(Largest)));

    public override bool IsLattice => _losses.Length < 2 || _lattice > 0;

    /// <summary>Binary randomized response of pure epsilon: it dominates everything that is (epsilon, delta)-private (Kairouz, Oh, Viswanath, arXiv:1311.0776).</summary>
    public static AtomicPair OfApproximate(double epsilon, double delta)
    {
        var yes = (1 - delta) / (1 + Math.Exp(-epsilon));
        var no = (1 - delta) * Math.Exp(-epsilon) / (1 + Math.Exp(-epsilon));
        return new([new(yes, no), new(no, yes), new(delta, 0), new(0, delta)]);
    }

    /// <summary>Integer noise with probabilities <paramref name="mass"/> on -reach..reach, unshifted against shifted by <paramref name="shift"/>.</summary>
    public static AtomicPair OfIntegerNoise(Func<long, double> mass, long reach, long shift, double rest)
    {
        // Q is the noise shifted to the right: large losses are at the left end.
        var atoms = new List<Masses>();
        for (var x = -reach; x <= reach + shift; x++)
        {
            atoms.Add(new(x <= reach ? mass(x) : 0, x - shift >= -reach ? mass(x - shift) : 0));
        }

        return new(atoms, rest);
    }

    public override Masses Above(double loss) => _above[CountUpTo(loss)];

    public override Masses Below(double loss) => _below[CountUpTo(loss)];

    // The smallest gap, where all gaps are whole multiples of it but for rounding; 0 where they are not.
    private double Lattice()
    {
        var (gap, tolerance) = (double.PositiveInfinity, Rounding);
        for (var i = 1; i < _losses.Length; i++)
        {
            var next = _losses[i] - _losses[i - 1];
            gap = next > tolerance ? Math.Min(gap, next) : gap;
        }

        // The whole range over the number of gaps has less rounding error than one gap.
        gap = double.IsFinite(gap) ? (Largest - Smallest) / Math.Round((Largest - Smallest) / gap) : 0;
        return Array.TrueForAll(_losses, loss => Math.Abs((loss - Smallest) - (Math.Round((loss - Smallest) / gap) * gap)) <= tolerance) ? gap : 0;
    }

    // How many losses are at most the given one.
    private int CountUpTo(double loss)
    {
        int low = 0, high = _losses.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _losses[middle] <= loss ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
