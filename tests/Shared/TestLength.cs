namespace FederatedDpLlm.Tests.Shared;

/// <summary>
/// How long a test may take: untagged tests run always; <c>[Trait(TestLength.Name, TestLength.Ci)]</c> runs with <c>./test.sh --ci</c>
/// and <c>--long</c>; <c>TestLength.Long</c> with <c>--long</c> only.
/// </summary>
internal static class TestLength
{
    public const string Name = "length";
    public const string Ci = "ci";
    public const string Long = "long";
}
