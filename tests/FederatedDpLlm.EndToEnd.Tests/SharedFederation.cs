namespace FederatedDpLlm.EndToEnd.Tests;

/// <summary>One federation for all tests that do not break it; each asks as users of its own.</summary>
public sealed class SharedFederation : IAsyncLifetime
{
    public FederationUnderTest Demo { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Demo = await FederationUnderTest.StartAsync();

    public ValueTask DisposeAsync() => Demo.DisposeAsync();
}

[CollectionDefinition(Name)]
public sealed class SharedFederationCollection : ICollectionFixture<SharedFederation>
{
    public const string Name = "one federation";
}
