using System.Security.Cryptography;
using System.Text.Json;
using FederatedDpLlm.SecureAggregation.KeyAgreement;
using FederatedDpLlm.SecureAggregation.Primitives;
using FederatedDpLlm.Tests.Shared;

namespace FederatedDpLlm.SecureAggregation.Tests.Vectors;

public sealed class WycheproofTests
{
    [Fact]
    public void Every_X25519_case_gives_its_shared_secret()
    {
        var cases = 0;
        foreach (var one in Cases("x25519_test.json"))
        {
            // "acceptable" are low-order and non-canonical points, for which the secret is defined all the same; a secret of zeros is said to be one.
            var product = new byte[32];
            var usable = Sodium.MultiplyCurve(product, Bytes(one, "private"), Bytes(one, "public"));
            Assert.Equal(Text(one, "shared"), Convert.ToHexStringLower(product));
            Assert.Equal(product.AsSpan().ContainsAnyExcept((byte)0), usable);
            cases++;
        }

        Assert.Equal(518, cases);
    }

    [Fact]
    public void Every_HKDF_case_gives_its_key_or_is_refused()
    {
        var cases = 0;
        foreach (var one in Cases("hkdf_sha256_test.json"))
        {
            var size = one.GetProperty("size").GetInt32();
            byte[] Derive() => HKDF.DeriveKey(HashAlgorithmName.SHA256, Bytes(one, "ikm"), size, Bytes(one, "salt"), Bytes(one, "info"));
            if (Text(one, "result") == "valid")
            {
                Assert.Equal(Text(one, "okm"), Convert.ToHexStringLower(Derive()));
            }
            else
            {
                Assert.ThrowsAny<ArgumentException>(Derive);
            }

            cases++;
        }

        Assert.Equal(86, cases);
    }

    [Fact]
    public void Every_ML_KEM_768_case_gives_its_shared_secret_or_is_refused()
    {
        var (valid, wrongSeeds, wrongCiphertexts) = (0, 0, 0);
        using var pair = new HybridKeyPair(new byte[32]);
        foreach (var one in Cases("mlkem_768_test.json"))
        {
            var (seed, ciphertext) = (Bytes(one, "seed"), Bytes(one, "c"));
            var (publicKey, secretKey, shared) = (new byte[1184], new byte[2400], new byte[32]);
            if (Text(one, "result") == "valid")
            {
                // Among them ciphertexts that were not encapsulated to the key: implicit rejection has a defined secret too.
                Sodium.LatticeKeyPair(publicKey, secretKey, seed);
                Assert.Equal(Text(one, "ek"), Convert.ToHexStringLower(publicKey));
                Assert.True(Sodium.LatticeDecapsulate(shared, ciphertext, secretKey));
                Assert.Equal(Text(one, "K"), Convert.ToHexStringLower(shared));
                valid++;
            }
            else if (seed.Length != 64)
            {
                Assert.Throws<ArgumentOutOfRangeException>(() => Sodium.LatticeKeyPair(publicKey, secretKey, seed));
                wrongSeeds++;
            }
            else
            {
                Sodium.LatticeKeyPair(publicKey, secretKey, seed);
                Assert.Equal(Text(one, "ek"), Convert.ToHexStringLower(publicKey));
                Assert.False(Sodium.LatticeDecapsulate(shared, ciphertext, secretKey));
                Assert.False(pair.TryDecapsulate([.. ciphertext, .. new byte[32]], shared));
                Assert.Equal(new byte[32], shared);
                wrongCiphertexts++;
            }
        }

        Assert.Equal((153, 20, 20), (valid, wrongSeeds, wrongCiphertexts));
    }

    private static IEnumerable<JsonElement> Cases(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(SharedData.Path("wycheproof", file)));
        foreach (var group in document.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            foreach (var one in group.GetProperty("tests").EnumerateArray())
            {
                yield return one;
            }
        }
    }

    private static string Text(JsonElement one, string name) => one.GetProperty(name).GetString()!;

    private static byte[] Bytes(JsonElement one, string name) => Convert.FromHexString(Text(one, name));
}
