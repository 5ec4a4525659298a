using System.Numerics;

namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// One prime p of the ring, p = 1 modulo 2N, with the powers of a primitive 2N-th root of unity that the transform multiplies by.
/// Residues are doubles that hold integers; "centred" means in [-p/2, p/2].
/// </summary>
internal sealed class RingModulus
{
    private readonly ReadOnlyMemory<double> _roots;
    private readonly ReadOnlyMemory<double> _inverseRoots;
    private readonly ReadOnlyMemory<double> _tail;
    private readonly ReadOnlyMemory<double> _inverseTail;

    public RingModulus(ulong value)
    {
        Value = value;
        Modulus = value;
        Inverse = 1.0 / value;
        var root = PrimitiveRoot();
        Root = root;
        var (roots, inverseRoots) = (Powers(root), Powers(Power(root, value - 2)));
        (_roots, _inverseRoots) = (AlignedMemory.Copy(roots), AlignedMemory.Copy(inverseRoots));
        (_tail, _inverseTail) = (AlignedMemory.Copy(Tail(roots)), AlignedMemory.Copy(Tail(inverseRoots)));
        DegreeInverse = Centre(Power(Ring.Degree, value - 2));
    }

    /// <summary>p, below 2^50.</summary>
    public ulong Value { get; }

    /// <summary>p, exactly.</summary>
    public double Modulus { get; }

    /// <summary>1/p, rounded.</summary>
    public double Inverse { get; }

    /// <summary>The primitive 2N-th root of unity whose powers are used.</summary>
    public ulong Root { get; }

    /// <summary>1/N modulo p, centred.</summary>
    public double DegreeInverse { get; }

    /// <summary>Centred root^brv(i), i below N, brv reversing the bits of an index: the order in which the transform meets them.</summary>
    public ReadOnlySpan<double> Roots => _roots.Span;

    /// <summary>As <see cref="Roots"/>, of the root's inverse.</summary>
    public ReadOnlySpan<double> InverseRoots => _inverseRoots.Span;

    /// <summary>The roots of the last three stages, laid out as the transform's last pass reads them: for each 64 values seven rows of eight.</summary>
    public ReadOnlySpan<double> TailRoots => _tail.Span;

    /// <summary>As <see cref="TailRoots"/>, of the root's inverse.</summary>
    public ReadOnlySpan<double> InverseTailRoots => _inverseTail.Span;

    /// <summary>The centred residue of an integer.</summary>
    public double Residue(BigInteger value)
    {
        var rest = value % Value;
        return Centre((ulong)(rest.Sign < 0 ? rest + Value : rest));
    }

    /// <summary>The centred residue of 1/value.</summary>
    public double ResidueOfInverse(BigInteger value) => Residue(BigInteger.ModPow(((value % Value) + Value) % Value, Value - 2, Value));

    private double Centre(ulong residue) => residue > Value / 2 ? -(double)(Value - residue) : residue;

    private ulong Power(ulong number, ulong exponent) => (ulong)BigInteger.ModPow(number, exponent, Value);

    // x^((p-1)/2N) has an order that divides 2N; it is 2N exactly where its N-th power is -1.
    private ulong PrimitiveRoot()
    {
        for (ulong candidate = 2; ; candidate++)
        {
            var root = Power(candidate, (Value - 1) / (2 * Ring.Degree));
            if (Power(root, Ring.Degree) == Value - 1)
            {
                return root;
            }
        }
    }

    private double[] Powers(ulong root)
    {
        var powers = new double[Ring.Degree];
        UInt128 power = 1;
        for (uint i = 0; i < Ring.Degree; i++)
        {
            powers[Ring.ReverseBits(i)] = Centre((ulong)power);
            power = power * root % Value;
        }

        return powers;
    }

    // Stage t of the last three has 1, 2, 4 roots for each run of eight values; eight runs are worked on side by side.
    private static double[] Tail(double[] roots)
    {
        const int Runs = Ring.Degree / 8;
        var tail = new double[Ring.Degree / 64 * 56];
        for (var group = 0; group < Ring.Degree / 64; group++)
        {
            for (var lane = 0; lane < 8; lane++)
            {
                var run = (8 * group) + lane;
                var at = (56 * group) + lane;
                tail[at] = roots[Runs + run];
                for (var half = 0; half < 2; half++)
                {
                    tail[at + (8 * (1 + half))] = roots[(2 * Runs) + (2 * run) + half];
                }

                for (var quarter = 0; quarter < 4; quarter++)
                {
                    tail[at + (8 * (3 + quarter))] = roots[(4 * Runs) + (4 * run) + quarter];
                }
            }
        }

        return tail;
    }
}
