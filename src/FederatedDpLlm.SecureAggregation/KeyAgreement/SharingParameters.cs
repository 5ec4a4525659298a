namespace FederatedDpLlm.SecureAggregation.KeyAgreement;

/// <summary>How many neighbours a client shares its secrets with, and how many of them restore a secret.</summary>
/// <param name="Neighbours">The degree k of the graph; n - 1 on the complete graph.</param>
/// <param name="Threshold">The number t of shares that restore a secret.</param>
/// <param name="IsComplete">Whether everybody is everybody's neighbour (then a client also holds a share of its own secrets).</param>
public sealed record SharingParameters(int Neighbours, int Threshold, bool IsComplete)
{
    /// <summary>Up to here every client shares with every other.</summary>
    public const int LargestCompleteGraph = 64;

    /// <summary>
    /// The parameters for <paramref name="clients"/>: complete with t = floor(2n/3) + 1 up to 64 clients (two quorums then share an honest client whenever
    /// fewer than a third are corrupt; the fractions below round to nothing for small n), else the smallest Harary graph that satisfies <see cref="FindHarary"/>.
    /// </summary>
    public static SharingParameters For(int clients, double corruptFraction, double dropoutFraction)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(clients, 1);
        RequireFraction(corruptFraction, nameof(corruptFraction));
        RequireFraction(dropoutFraction, nameof(dropoutFraction));
        return clients <= LargestCompleteGraph
            ? Complete(clients, corruptFraction)
            : FindHarary(clients, corruptFraction, dropoutFraction)
                ?? throw new ArgumentException("No degree below the number of clients withstands that many corrupt and dropped clients.", nameof(corruptFraction));
    }

    /// <summary>
    /// The smallest even degree k, with its threshold t, such that against a coordinator that lies about who dropped out, with probability at least
    /// 1 - 2^-40 the honest survivors stay connected and no client's secrets can be opened twice (2t exceeds k plus the corrupt neighbours), and with
    /// probability at least 1 - 2^-20 every client keeps t surviving neighbours. Null where no degree does.
    /// Reference: Bell, Bonawitz, Gascón, Lepoint, Raykova, "Secure single-server aggregation with (poly)logarithmic overhead", CCS 2020, sections 3 and 4.
    /// </summary>
    public static SharingParameters? FindHarary(int clients, double corruptFraction, double dropoutFraction)
    {
        if (!(corruptFraction >= 0 && dropoutFraction >= 0 && corruptFraction + (2 * dropoutFraction) <= 0.9))
        {
            throw new ArgumentOutOfRangeException(nameof(corruptFraction), "The corrupt fraction and twice the dropped one add up to at most 0.9.");
        }

        var (corrupt, dropped) = (CountOf(corruptFraction, clients), CountOf(dropoutFraction, clients));
        var logFactorials = LogFactorials(clients);
        for (var degree = 2; degree < clients - 1; degree += 2)
        {
            if (StaysConnected(clients, degree, corrupt + dropped, logFactorials)
                && FindThreshold(clients, degree, corrupt, clients - dropped, logFactorials) is { } threshold)
            {
                return new SharingParameters(degree, threshold, IsComplete: false);
            }
        }

        return null;
    }

    // Two quorums of t hold 2t - n clients in common at least: with as many corrupt ones, one of them may sign two survivor sets, and a client's secrets open twice.
    private static SharingParameters Complete(int clients, double corruptFraction)
    {
        var threshold = (2 * clients / 3) + 1;
        return CountOf(corruptFraction, clients) < (2 * threshold) - clients
            ? new SharingParameters(clients - 1, threshold, IsComplete: true)
            : throw new ArgumentOutOfRangeException(nameof(corruptFraction), corruptFraction, $"Of {clients} clients at most {(2 * threshold) - clients - 1} may be corrupt.");
    }

    /// <summary>How many of the clients a fraction is, rounded down; 1e-14 keeps 0.1 * 30 from becoming 2.</summary>
    internal static int CountOf(double fraction, int clients) => (int)Math.Floor((fraction + 1e-14) * clients);

    // Not a number is no fraction either.
    private static void RequireFraction(double fraction, string name)
    {
        if (!(fraction is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(name, fraction, "A fraction of the clients is between 0 and 1.");
        }
    }

    // Two breaks of k/2 consecutive bad clients each disconnect the ring: a union bound over the pairs of places, with half of 2^-40.
    private static bool StaysConnected(int clients, int degree, int bad, double[] logFactorials)
    {
        if (degree > bad)
        {
            return true;
        }

        var logProbability = Math.Log(clients) + Math.Log(clients - degree - 1) - Math.Log(2)
            + logFactorials[bad] + logFactorials[clients - degree] - logFactorials[clients] - logFactorials[bad - degree];
        return logProbability < -41 * Math.Log(2);
    }

    private static int? FindThreshold(int clients, int degree, int corrupt, int surviving, double[] logFactorials)
    {
        var mostCorrupt = degree;
        var allowed = Math.Pow(2, -41) / clients;
        for (var tail = 0.0; mostCorrupt >= 0; mostCorrupt--)
        {
            tail += Hypergeometric(clients, corrupt, degree, mostCorrupt, logFactorials);
            if (tail > allowed)
            {
                break;
            }
        }

        var fewestSurviving = 0;
        allowed = Math.Pow(2, -20) / clients;
        for (var head = Hypergeometric(clients, surviving, degree, 0, logFactorials); head < allowed && fewestSurviving < degree;)
        {
            head += Hypergeometric(clients, surviving, degree, ++fewestSurviving, logFactorials);
        }

        var least = (int)Math.Ceiling((mostCorrupt + degree - 1.25) / 2);
        return fewestSurviving > least ? Math.Max(least + 1, 2) : null;
    }

    // The chance that a draw of `drawn` out of `population`, `marked` of them marked, holds exactly `hits` marked ones.
    private static double Hypergeometric(int population, int marked, int drawn, int hits, double[] logFactorials)
    {
        if (hits > marked || drawn - hits > population - marked)
        {
            return 0;
        }

        double Choose(int n, int k) => logFactorials[n] - logFactorials[k] - logFactorials[n - k];
        return Math.Exp(Choose(marked, hits) + Choose(population - marked, drawn - hits) - Choose(population, drawn));
    }

    private static double[] LogFactorials(int largest)
    {
        var logs = new double[largest + 1];
        for (var i = 2; i <= largest; i++)
        {
            logs[i] = logs[i - 1] + Math.Log(i);
        }

        return logs;
    }
}
