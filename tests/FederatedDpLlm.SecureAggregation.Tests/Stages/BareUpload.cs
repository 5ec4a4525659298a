using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Fields;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Masking;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>
/// One client's upload under a mask of its own and one with every neighbour, from the product's primitives and without any of its checks: what a naive variant
/// of the protocol would have sent. The client has number 0, so that it encapsulates the mask of every pair.
/// </summary>
internal sealed class BareUpload
{
    private static readonly byte[] Context = SHA256.HashData([11]);
    private static readonly byte[] Advertisements = SHA256.HashData([12]);
    private static readonly LaneFormat Format = new(3);
    private readonly (int Number, byte[] PublicKey)[] _neighbours;
    private readonly Dictionary<int, byte[]> _ciphertexts = [];
    private readonly byte[] _payload;

    public BareUpload(int[] update, IReadOnlyCollection<(int Number, byte[] PublicKey)> neighbours, TestRandom random)
    {
        (Seed, SelfMask) = (Scalar.Random(random), Scalar.Random(random));
        _neighbours = [.. neighbours];
        using var masks = Masks(EdgesFrom(Seed, _ciphertexts), SelfMask, subtract: false);
        masks.Seal(update, 16, Format, _payload = new byte[Format.SizeBytes * update.Length], 1);
    }

    public Scalar Seed { get; }

    public Scalar SelfMask { get; }

    public static MaskSeed Neighbour(int number, TestRandom random) => new(Scalar.Random(random), Context, number);

    /// <summary>The masks of all pairs, as whoever restored the client's seed computes them.</summary>
    public IReadOnlyList<byte[]> EdgesFrom(in Scalar seed) => EdgesFrom(seed, []);

    /// <summary>The mask of one pair, as the neighbour computes it.</summary>
    public byte[] EdgeOf(int number, MaskSeed neighbour)
    {
        var key = new byte[CounterKeystream.KeySizeBytes];
        Assert.True(neighbour.TryDecapsulate(0, _ciphertexts[number], Advertisements, key));
        return key;
    }

    /// <summary>The upload without these masks.</summary>
    public int[] Open(IEnumerable<byte[]> edges, in Scalar selfMask)
    {
        using var masks = Masks(edges, selfMask, subtract: true);
        var lanes = new uint[_payload.Length / Format.SizeBytes];
        Format.AddTo(lanes, _payload);
        masks.ApplyTo(lanes, 1);
        return [.. lanes.Select(Format.Signed)];
    }

    private List<byte[]> EdgesFrom(in Scalar seed, Dictionary<int, byte[]> ciphertexts)
    {
        using var own = new MaskSeed(seed, Context, 0);
        var keys = new List<byte[]>();
        foreach (var (number, publicKey) in _neighbours)
        {
            var (ciphertext, key) = (new byte[HybridKeyPair.CiphertextSizeBytes], new byte[CounterKeystream.KeySizeBytes]);
            Assert.True(own.TryEncapsulate(number, publicKey, Advertisements, ciphertext, key));
            ciphertexts[number] = ciphertext;
            keys.Add(key);
        }

        return keys;
    }

    private static MaskSet Masks(IEnumerable<byte[]> edges, in Scalar selfMask, bool subtract)
    {
        var (masks, key) = (new MaskSet(), new byte[CounterKeystream.KeySizeBytes]);
        MaskSeed.SelfMaskKey(selfMask, Context, 0, key);
        masks.Add(key, subtract);
        foreach (var edge in edges)
        {
            masks.Add(edge, subtract);
        }

        return masks;
    }
}
