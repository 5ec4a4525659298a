using System.Security.Cryptography;
using FederatedDpLlm.SecureAggregation.Homomorphic;
using FederatedDpLlm.SecureAggregation.Stages;

namespace FederatedDpLlm.SecureAggregation.Tests.Stages;

/// <summary>What one client's key opens when it leaks to the coordinator, in the homomorphic mode.</summary>
public sealed class LeakedKeyTests
{
    private const int Length = 40;

    [Fact]
    public void One_key_of_all_clients_opens_every_ciphertext_when_one_client_leaks_it()
    {
        // Naive: clients are provisioned with the same secret key, and ciphertexts differ in their public polynomials alone (as NVFlare's).
        using var federation = new Federation(6, Length);
        var (layout, provisioned) = (new SlotLayout(16, 6), SHA256.HashData([1]));
        using var leaked = new KeyAdditiveEncryption(layout, new byte[16], provisioned);
        for (byte victim = 1; victim < 6; victim++)
        {
            var publicSeed = SHA256.HashData([victim])[..16];
            using var encryption = new KeyAdditiveEncryption(layout, publicSeed, provisioned);
            var ciphertext = new byte[KeyAdditiveEncryption.SizeBytes(layout, Length)];
            encryption.Encrypt(federation.Inputs[victim], ciphertext, 1);
            Assert.Equal(federation.Inputs[victim], Opened(layout, ciphertext, leaked.Key, publicSeed));
        }
    }

    [Fact]
    public void A_key_of_its_own_opens_its_owners_ciphertext_and_no_other()
    {
        using var federation = new Federation(6, Length, AggregationMode.Homomorphic);
        using var round = new ManualRound(federation);
        round.ToSharings();
        Array.ForEach(round.Clients, client => round.Upload(client.Self));
        var leaked = ClientMemory.TryDecode(round.Uploaded[0])!;
        var layout = new SlotLayout(16, 6);
        var publicSeed = EncryptionSeeds.Public(federation.Parameters, leaked.Advertisements);
        using var encryption = new KeyAdditiveEncryption(layout, publicSeed, EncryptionSeeds.Secret(leaked, leaked.Advertisements, "update encryption"u8));
        foreach (var (client, upload) in round.Uploads)
        {
            var opened = Opened(layout, upload.Payload[^(int)KeyAdditiveEncryption.SizeBytes(layout, Length)..], encryption.Key, publicSeed);
            Assert.Equal(client == 0 ? federation.Inputs[0] : null, opened);
        }
    }

    private static int[]? Opened(SlotLayout layout, ReadOnlyMemory<byte> ciphertext, ReadOnlySpan<long> key, byte[] publicSeed)
    {
        var one = new CiphertextSum(layout.ElementsFor(Length));
        Assert.True(one.TryAdd(ciphertext));
        return new SumDecryption(layout, survivors: 1).Decrypt(one, key, publicSeed, Length, workers: 1);
    }
}
