namespace FederatedDpLlm.SecureAggregation.Homomorphic;

/// <summary>
/// The running sum of ciphertexts of the same shape: residues are added as 64-bit integers (1,024 of 50 bits fit) and brought below p once, at the end.
/// Adding needs no key; nothing here can decrypt.
/// </summary>
internal sealed class CiphertextSum(int elements)
{
    private readonly ulong[] _sums = new ulong[(long)elements * Ring.Residues];

    /// <summary>Ring elements of a ciphertext.</summary>
    public int Elements { get; } = elements;

    /// <summary>Length of a ciphertext.</summary>
    public long SizeBytes => (long)Elements * ResidueFormat.ElementSizeBytes;

    /// <summary>Adds a ciphertext; false, with the sum as it was, where its length or a residue is wrong.</summary>
    public bool TryAdd(ReadOnlyMemory<byte> ciphertext, int workers = 1)
    {
        if (ciphertext.Length != SizeBytes)
        {
            return false;
        }

        var valid = new bool[Elements * Ring.Primes];
        ForEachPlane(workers, plane => valid[plane] = ResidueFormat.TryAdd(Plane(plane), Encoded(ciphertext.Span, plane), Ring.Moduli[plane % Ring.Primes]));
        if (valid.All(one => one))
        {
            return true;
        }

        ForEachPlane(workers, plane =>
        {
            if (valid[plane])
            {
                ResidueFormat.Subtract(Plane(plane), Encoded(ciphertext.Span, plane), Ring.Moduli[plane % Ring.Primes]);
            }
        });
        return false;
    }

    /// <summary>One element of the sum, reduced.</summary>
    public void Read(int element, RingElement result)
    {
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            ResidueFormat.Centre(Plane((element * Ring.Primes) + prime), Ring.Moduli[prime], result[prime]);
        }
    }

    private static ReadOnlySpan<byte> Encoded(ReadOnlySpan<byte> ciphertext, int plane) =>
        ciphertext.Slice(plane * ResidueFormat.PlaneSizeBytes, ResidueFormat.PlaneSizeBytes);

    private Span<ulong> Plane(int plane) => _sums.AsSpan(plane * Ring.Degree, Ring.Degree);

    private void ForEachPlane(int workers, Action<int> action)
    {
        var planes = Elements * Ring.Primes;
        if (workers <= 1)
        {
            for (var plane = 0; plane < planes; plane++)
            {
                action(plane);
            }

            return;
        }

        Parallel.For(0, planes, new ParallelOptions { MaxDegreeOfParallelism = workers }, action);
    }
}
