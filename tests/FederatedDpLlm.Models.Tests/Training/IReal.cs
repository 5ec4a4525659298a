namespace FederatedDpLlm.Models.Tests.Training;

/// <summary>What the reference model computes with: plain float64, or float64 that remembers how it came about.</summary>
internal interface IReal<T>
    where T : IReal<T>
{
    double Value { get; }

    static abstract T Of(double value);

    static abstract T operator +(T a, T b);

    static abstract T operator -(T a, T b);

    static abstract T operator *(T a, T b);

    static abstract T operator /(T a, T b);

    static abstract T Exp(T x);

    static abstract T Log(T x);

    static abstract T Sqrt(T x);
}
