namespace FederatedDpLlm.Cli.Commands.Accounts;

/// <summary>A named line of points; null where there is no value.</summary>
internal sealed record Curve(string Name, IReadOnlyList<(double X, double? Y)> Points);
