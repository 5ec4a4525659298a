namespace FederatedDpLlm.Budgets;

/// <summary>
/// The name of one account: <c>user:alice</c>, <c>department:cardiology</c>, <c>purpose:treatment</c>, <c>global</c> (quotas at the router) or
/// <c>data:HOSPITAL/BLOCK</c> (a block of patients at their hospital's own node).
/// </summary>
public readonly record struct AccountId
{
    private const int LongestName = 200;

    public AccountId(string value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value);
        if (value.Length > LongestName || value.Any(char.IsControl))
        {
            throw new ArgumentException($"An account's name has at most {LongestName} characters and no control characters.", nameof(value));
        }

        Value = value;
    }

    public string Value { get; }

    public static AccountId User(string user) => new("user:" + user);

    public static AccountId Department(string department) => new("department:" + department);

    public static AccountId Purpose(string purpose) => new("purpose:" + purpose);

    public static AccountId Global { get; } = new("global");

    public static AccountId Data(string hospital, string block) => new($"data:{hospital}/{block}");

    public override string ToString() => Value;
}
