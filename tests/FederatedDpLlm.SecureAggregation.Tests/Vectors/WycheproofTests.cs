using System.Security.Cryptography;
using System.Text.Json;
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
            // "acceptable" are low-order and non-canonical points, for which the secret is defined all the same.
            Assert.Equal(Text(one, "shared"), Convert.ToHexStringLower(Sodium25519.Multiply(Bytes(one, "private"), Bytes(one, "public"))));
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
    public void Every_valid_ML_KEM_768_case_gives_its_shared_secret()
    {
        var cases = 0;
        foreach (var one in Cases("mlkem_768_test.json").Where(one => Text(one, "result") == "valid" && one.TryGetProperty("seed", out _)))
        {
            var (publicKey, secretKey) = Sodium25519.KemKeyPair(Bytes(one, "seed"));
            Assert.Equal(Text(one, "ek"), Convert.ToHexStringLower(publicKey));
            Assert.Equal(Text(one, "K"), Convert.ToHexStringLower(Sodium25519.KemDecapsulate(Bytes(one, "c"), secretKey)));
            cases++;
        }

        Assert.True(cases > 50, $"only {cases} cases");
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
