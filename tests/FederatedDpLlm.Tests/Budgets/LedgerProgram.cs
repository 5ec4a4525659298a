using CsCheck;

namespace FederatedDpLlm.Tests.Budgets;

/// <summary>A random program: few accounts and few ids, so that calls meet; budgets at both ends of the range.</summary>
internal sealed record LedgerProgram(IReadOnlyDictionary<string, long> Budgets, IReadOnlyList<LedgerStep> Steps)
{
    private static readonly Gen<string> Account = Gen.OneOf(Gen.Const("a"), Gen.Const("b"), Gen.Const("c"), Gen.Const("unknown"));

    private static readonly Gen<long> Amount = Gen.Frequency((8, Gen.Long[0, 12]), (1, Gen.Long[0, long.MaxValue]), (1, Gen.Const(long.MaxValue)));

    private static readonly Gen<LedgerStep> Step = Gen.Select(
        Gen.Frequency((3, Gen.Const(LedgerStepKind.Reserve)), (2, Gen.Const(LedgerStepKind.Commit)), (1, Gen.Const(LedgerStepKind.Release))),
        Gen.Int[0, 9],
        Gen.Dictionary(Account, Amount)[1, 3],
        (kind, id, charges) => new LedgerStep(kind, "r" + id, charges));

    public static Gen<LedgerProgram> Any { get; } = Gen.Select(
        Amount, Gen.Long[0, 40], Gen.Const(long.MaxValue), Step.List[1, 40],
        (a, b, c, steps) => new LedgerProgram(new Dictionary<string, long> { ["a"] = a, ["b"] = b, ["c"] = c }, steps));
}
