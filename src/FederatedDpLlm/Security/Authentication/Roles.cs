namespace FederatedDpLlm.Security.Authentication;

/// <summary>Roles a token may carry, and what each may do: asking spends budget, observing reads accounts and decisions.</summary>
public static class Roles
{
    public const string Clinician = "clinician";
    public const string Researcher = "researcher";
    public const string PrivacyOfficer = "privacy-officer";
    public const string Operator = "operator";

    public static IReadOnlySet<string> All { get; } = new HashSet<string>(StringComparer.Ordinal) { Clinician, Researcher, PrivacyOfficer, Operator };

    public static bool MayAsk(string role) => role is Clinician or Researcher;

    public static bool MayObserve(string role) => role is PrivacyOfficer or Operator;
}
