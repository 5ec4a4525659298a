using System.Numerics;
using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Homomorphic;

namespace FederatedDpLlm.SecureAggregation.Tests.Homomorphic;

public sealed class CommitteeEncryptionTests
{
    private static readonly byte[] Seed = [.. Enumerable.Range(1, 16).Select(i => (byte)i)];

    [Fact]
    public void Any_threshold_of_members_opens_the_sum_and_it_is_exact()
    {
        var committee = new Committee(members: 5, threshold: 3, clients: 1024);
        var (expected, sum) = committee.EncryptSums(clients: 4);
        using var first = committee.Read(sum, 0);
        using var second = committee.Read(sum, 1);
        var answers = Enumerable.Range(1, 5).ToDictionary(point => point, point => committee.Answer(point, second));
        foreach (var points in new[] { new[] { 1, 2, 3 }, [1, 3, 5], [2, 4, 5], [3, 4, 5] })
        {
            Assert.Equal(expected, CommitteeEncryption.Open(committee.Parameters, first, Chosen(points), survivors: 4)!);
        }

        // One answer of another member's, or a sum that other keys went into, does not open.
        var wrong = Chosen([1, 2, 3]);
        wrong[3] = RingElement.TryRead(answers[4])!;
        Assert.Null(CommitteeEncryption.Open(committee.Parameters, first, wrong, survivors: 4));
        Assert.Null(CommitteeEncryption.Open(committee.Parameters, second, Chosen([1, 2, 3]), survivors: 4));

        Dictionary<int, RingElement> Chosen(int[] points) => points.ToDictionary(point => point, point => RingElement.TryRead(answers[point])!);
    }

    [Fact]
    public void The_largest_committee_opens_with_any_members_at_the_lagrange_coefficients_worst()
    {
        var committee = new Committee(members: 12, threshold: 9, clients: 1024);
        var (expected, sum) = committee.EncryptSums(clients: 1);
        using var first = committee.Read(sum, 0);
        using var second = committee.Read(sum, 1);
        foreach (var points in new[] { new[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, [4, 5, 6, 7, 8, 9, 10, 11, 12], [1, 3, 4, 6, 7, 8, 9, 11, 12] })
        {
            var answers = points.ToDictionary(point => point, point => RingElement.TryRead(committee.Answer(point, second))!);
            Assert.Equal(expected, CommitteeEncryption.Open(committee.Parameters, first, answers, survivors: 1)!);
        }
    }

    [Fact]
    public void Every_committee_that_the_parameters_admit_decrypts_with_certainty_and_floods_forty_bits()
    {
        for (var members = 2; members <= CommitteeParameters.MostMembers; members++)
        {
            for (var threshold = 1; threshold <= members; threshold++)
            {
                var parameters = new CommitteeParameters(members, threshold, 1024);
                Assert.True(2 * parameters.NoiseBound < CommitteeParameters.Scale);

                // By all subsets, independently of the bound in the code: coefficients are small, and (m!) times them whole numbers.
                foreach (var points in Subsets(members).Where(points => points.Length == threshold))
                {
                    var total = points.Sum(point => Math.Abs(points.Where(other => other != point).Aggregate(1.0, (product, other) => product * other / (other - point))));
                    Assert.True((BigInteger)Math.Ceiling(total) * parameters.FloodingScale << CommitteeParameters.FloodingBits < CommitteeParameters.Scale / 2);
                    foreach (var point in points)
                    {
                        var (numerator, denominator) = (BigInteger.One, BigInteger.One);
                        foreach (var other in points.Where(other => other != point))
                        {
                            (numerator, denominator) = (numerator * other, denominator * (other - point));
                        }

                        Assert.True((parameters.FloodingScale * numerator % denominator).IsZero);
                    }
                }

                // A simulator is off by at most this, in units of the flooding; all coefficients and members together stay below 2^-40.
                var unscaled = 1024 * ((2 * (BigInteger)Ring.Degree * members * 63 * 63) + 63);
                foreach (var known in Subsets(members).Where(points => points.Length == threshold - 1))
                {
                    foreach (var point in Enumerable.Range(1, members).Except(known))
                    {
                        var factor = Math.Abs(known.Aggregate(1.0, (product, other) => product * (point - other) / other));
                        var shift = (BigInteger)Math.Ceiling(factor) * parameters.FloodingScale * unscaled;
                        Assert.True(shift * Ring.Degree * members << 40 <= BigInteger.One << (CommitteeParameters.FloodingBits + 1));
                    }
                }
            }
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => new CommitteeParameters(13, 9, 1024));
        Assert.Throws<ArgumentException>(() => new CommitteeParameters(12, 9, 4096));
    }

    // The edge of the budget: the largest sum of keys that 1,024 clients can have, beside all the noise there can be, and one more.
    [Fact]
    public void The_largest_noise_and_plaintext_of_1024_clients_still_open_exactly_and_more_noise_does_not()
    {
        var parameters = new CommitteeParameters(12, 9, 1024);
        foreach (var (noise, opens) in new[] { (parameters.NoiseBound, true), (-parameters.NoiseBound, true), (parameters.NoiseBound + 1, false), (-parameters.NoiseBound - 1, false) })
        {
            using var first = new RingElement();
            for (var prime = 0; prime < Ring.Primes; prime++)
            {
                for (var i = 0; i < Ring.Degree; i++)
                {
                    first[prime][i] = Ring.Moduli[prime].Residue((((i % 2 * 2) - 1) * 1024 * GaussianNoise.Largest * CommitteeParameters.Scale) + noise);
                }

                RingArithmetic.Fastest.Transform(first[prime], Ring.Moduli[prime]);
            }

            var answers = Enumerable.Range(1, 9).ToDictionary(point => point, _ => new RingElement());
            var opened = CommitteeEncryption.Open(parameters, first, answers, survivors: 1024);
            Assert.Equal(opens ? Enumerable.Range(0, Ring.Degree).Select(i => ((i % 2 * 2) - 1L) * 1024 * GaussianNoise.Largest) : null, opened);
            Assert.Null(CommitteeEncryption.Open(parameters, first, answers, survivors: 1023));
        }
    }

    // What the simulation of answers rests on, seen with the key in hand: with a threshold of one, a share is the key itself.
    [Fact]
    public void Noise_is_a_multiple_of_the_factorial_squared_and_flooding_a_large_one_of_the_factorial()
    {
        var committee = new Committee(members: 5, threshold: 1, clients: 16);
        var (expected, sum) = committee.EncryptSums(clients: 3);
        using var first = committee.Read(sum, 0);
        using var second = committee.Read(sum, 1);
        using var key = committee.ShareOf(4);
        using var product = new RingElement();
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            RingArithmetic.Fastest.MultiplyAdd(product[prime], second[prime], key[prime], Ring.Moduli[prime]);
        }

        var (opened, shared, answered) = (Coefficients(first.ToBytes()), Coefficients(product.ToBytes()), Coefficients(committee.Answer(4, second)));
        var largest = BigInteger.Zero;
        for (var i = 0; i < opened.Length; i++)
        {
            var noise = Centred(opened[i] + shared[i] - (expected[i] * CommitteeParameters.Scale));
            Assert.True((noise % (120 * 120)).IsZero && BigInteger.Abs(noise) < BigInteger.One << 60);
            var flooding = Centred(answered[i] - shared[i]);
            Assert.True((flooding % 120).IsZero && BigInteger.Abs(flooding) <= (BigInteger)120 << CommitteeParameters.FloodingBits);
            largest = BigInteger.Max(largest, BigInteger.Abs(flooding));
        }

        // 64 uniform magnitudes: all below an eighth of the range with probability 2^-192.
        Assert.True(largest > (BigInteger)120 << (CommitteeParameters.FloodingBits - 3));
        Assert.Equal((120, 14400), (committee.Parameters.FloodingScale, committee.Parameters.NoiseScale));
    }

    // Flooding alone does not help a member that answers again: four answers to ciphertexts of the asker's choice give its whole share. Each shows the share times
    // a power of two up to an error of 141 bits, and so 58 bits more of it.
    [Fact]
    public void A_naive_member_that_answers_four_chosen_ciphertexts_gives_its_share_away()
    {
        var committee = new Committee(members: 5, threshold: 3, clients: 1024);
        using var share = committee.ShareOf(2);
        var estimates = new BigInteger[64];
        foreach (var shift in new[] { 0, 58, 116, 174 })
        {
            using var chosen = Constant(BigInteger.One << shift);
            using var flooding = committee.Flooding(100 + shift);
            var answers = Coefficients(CommitteeEncryption.Answer(committee.Parameters, chosen, share, flooding));
            for (var i = 0; i < estimates.Length; i++)
            {
                var correction = Centred(answers[i] - (estimates[i] << shift));
                estimates[i] += (correction + ((BigInteger.One << shift) / 2)) >> shift;
            }
        }

        Assert.Equal(Coefficients(share.ToBytes()).Take(64), estimates.Select(Centred));
    }

    // The flooding covers what an answer to the honest sum would otherwise show: without it the answer is the share times a public number.
    [Fact]
    public void An_answer_without_flooding_is_the_share_and_a_flooded_one_is_not()
    {
        var committee = new Committee(members: 5, threshold: 3, clients: 1024);
        var (_, sum) = committee.EncryptSums(clients: 2);
        using var second = committee.Read(sum, 1);
        using var share = committee.ShareOf(3);
        using var naive = new RingElement();
        using var flooded = RingElement.TryRead(committee.Answer(3, second))!;
        var modulus = Ring.Moduli[0];
        RingArithmetic.Fastest.MultiplyAdd(naive[0], second[0], share[0], modulus);
        var (recovered, hidden) = (0, 0);
        for (var i = 0; i < 1000; i++)
        {
            var inverse = modulus.ResidueOfInverse((BigInteger)second[0][i]);
            recovered += modulus.Residue((BigInteger)naive[0][i] * (BigInteger)inverse) == share[0][i] ? 1 : 0;
            hidden += modulus.Residue((BigInteger)flooded[0][i] * (BigInteger)inverse) == share[0][i] ? 0 : 1;
        }

        Assert.Equal((1000, 1000), (recovered, hidden));
    }

    [Fact]
    public void Fewer_shares_than_the_threshold_fit_every_key()
    {
        // Two of three shares and any value at zero lie on a polynomial of the degree dealt: shares of two different secrets are both uniform residues.
        var parameters = new CommitteeParameters(5, 3, 16);
        using var one = new CommitteeDealing(parameters, Seed, SHA256.HashData([1]));
        using var same = new CommitteeDealing(parameters, Seed, SHA256.HashData([1]));
        using var other = new CommitteeDealing(parameters, Seed, SHA256.HashData([2]));
        Assert.Equal(one.ShareAt(1), same.ShareAt(1));
        Assert.Equal(one.PublicPart, same.PublicPart);
        Assert.NotEqual(one.PublicPart, other.PublicPart);
        Assert.InRange(MeanBit(one.ShareAt(1)), 0.497, 0.503);
        Assert.InRange(MeanBit(one.PublicPart), 0.497, 0.503);

        // 2^20 fair bits or more: six standard errors are 0.003 (2e-9). The residues' range is within 2^-29 of a power of two.
        static double MeanBit(byte[] bytes) => bytes.Average(value => BitOperations.PopCount(value) / 8.0);
    }

    private static BigInteger[] Coefficients(byte[] encoded)
    {
        using var element = RingElement.TryRead(encoded)!;
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            RingArithmetic.Fastest.InverseTransform(element[prime], Ring.Moduli[prime]);
        }

        MixedRadix.ToDigits(element, RingArithmetic.Fastest);
        return [.. Enumerable.Range(0, 64).Select(i => MixedRadix.ToInteger(element, i))];
    }

    private static BigInteger Centred(BigInteger value)
    {
        var rest = ((value % Ring.Modulus) + Ring.Modulus) % Ring.Modulus;
        return 2 * rest > Ring.Modulus ? rest - Ring.Modulus : rest;
    }

    private static RingElement Constant(BigInteger value)
    {
        var element = new RingElement();
        for (var prime = 0; prime < Ring.Primes; prime++)
        {
            element[prime].Fill(Ring.Moduli[prime].Residue(value));
        }

        return element;
    }

    private static IEnumerable<int[]> Subsets(int members) =>
        Enumerable.Range(0, 1 << members).Select(mask => Enumerable.Range(1, members).Where(point => (mask >> (point - 1) & 1) == 1).ToArray());

    private sealed class Committee
    {
        private readonly CommitteeDealing[] _dealings;
        private readonly RingElement _publicKey = new();

        public Committee(int members, int threshold, int clients)
        {
            Parameters = new CommitteeParameters(members, threshold, clients);
            _dealings = [.. Enumerable.Range(0, members).Select(member => new CommitteeDealing(Parameters, Seed, SHA256.HashData([(byte)member, 9])))];
            var sum = new CiphertextSum(1);
            Assert.All(_dealings, dealing => Assert.True(sum.TryAdd(dealing.PublicPart)));
            sum.Read(0, _publicKey);
        }

        public CommitteeParameters Parameters { get; }

        public (long[] Expected, CiphertextSum Sum) EncryptSums(int clients)
        {
            var (expected, sum, random) = (new long[Ring.Degree], new CiphertextSum(2), new TestRandom(4));
            for (var client = 0; client < clients; client++)
            {
                var message = Enumerable.Range(0, Ring.Degree).Select(i => i < 4 ? 63 - (126L * (i % 2)) : random.Below(127) - 63).ToArray();
                var ciphertext = new byte[CommitteeEncryption.CiphertextSizeBytes];
                CommitteeEncryption.Encrypt(Parameters, Seed, _publicKey, message, SHA256.HashData([(byte)client, 7]), ciphertext);
                Assert.True(sum.TryAdd(ciphertext));
                for (var i = 0; i < expected.Length; i++)
                {
                    expected[i] += message[i];
                }
            }

            return (expected, sum);
        }

        public RingElement Read(CiphertextSum sum, int element)
        {
            var result = new RingElement();
            sum.Read(element, result);
            return result;
        }

        public RingElement ShareOf(int point)
        {
            var sum = new CiphertextSum(1);
            Assert.All(_dealings, dealing => Assert.True(sum.TryAdd(dealing.ShareAt(point))));
            return Read(sum, 0);
        }

        public KeystreamWords Flooding(int number) => new(SHA256.HashData([(byte)number, 5]).AsSpan(0, 16));

        public byte[] Answer(int point, RingElement second)
        {
            using var share = ShareOf(point);
            using var flooding = Flooding(point);
            return CommitteeEncryption.Answer(Parameters, second, share, flooding);
        }
    }
}
