using FederatedDpLlm.Configuration;

namespace FederatedDpLlm.Tests.Configuration;

public sealed class StrictYamlTests
{
    [Fact]
    public void Keys_are_snake_case_and_defaults_stand() => Assert.Equal(new Sample { FirstKey = "x" }, StrictYaml.Parse<Sample>("first_key: x", "test"));

    [Theory]
    [InlineData("first_key: x\nfrist_key: y", "frist_key")]
    [InlineData("first_key: x\nfirst_key: y", "first_key")]
    [InlineData("number: 3", "first_key")]
    [InlineData("first_key: x\nnumber: many", "line 2")]
    [InlineData("[", "test")]
    [InlineData("", "empty")]
    public void A_wrong_file_is_refused_by_name(string yaml, string named) =>
        Assert.Contains(named, Assert.Throws<ConfigurationException>(() => StrictYaml.Parse<Sample>(yaml, "test")).Message, StringComparison.OrdinalIgnoreCase);

    [Fact]
    public void A_missing_file_is_named() => Assert.Contains("no-such.yaml", Assert.Throws<ConfigurationException>(() => StrictYaml.Load<Sample>("no-such.yaml")).Message, StringComparison.Ordinal);

    private sealed record Sample
    {
        public required string FirstKey { get; init; }

        public int Number { get; init; } = 7;
    }
}
