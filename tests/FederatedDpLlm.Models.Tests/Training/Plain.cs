namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>A float64.</summary>
internal readonly record struct Plain(double Value) : IReal<Plain>
{
    public static Plain Of(double value) => new(value);

    public static Plain operator +(Plain a, Plain b) => new(a.Value + b.Value);

    public static Plain operator -(Plain a, Plain b) => new(a.Value - b.Value);

    public static Plain operator *(Plain a, Plain b) => new(a.Value * b.Value);

    public static Plain operator /(Plain a, Plain b) => new(a.Value / b.Value);

    public static Plain Exp(Plain x) => new(Math.Exp(x.Value));

    public static Plain Log(Plain x) => new(Math.Log(x.Value));

    public static Plain Sqrt(Plain x) => new(Math.Sqrt(x.Value));
}
