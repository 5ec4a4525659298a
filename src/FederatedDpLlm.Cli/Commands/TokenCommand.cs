using System.CommandLine;
using FederatedDpLlm.Budgets;
using FederatedDpLlm.Cli.Demo;
using FederatedDpLlm.Security.Authentication;
using Microsoft.Data.Sqlite;

namespace FederatedDpLlm.Cli.Commands;

/// <summary><c>fedllm token</c>: issues a bearer token of the demo's own issuer.</summary>
internal static class TokenCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = "The demo's folder.", DefaultValueFactory = _ => ".fedllm" };
        var user = new Option<string>("--user") { Description = "Who asks; names a quota.", Required = true };
        var role = new Option<string>("--role") { Description = string.Join(", ", Roles.All), DefaultValueFactory = _ => Roles.Clinician };
        var department = new Option<string>("--department") { Description = "Whose quota is used.", DefaultValueFactory = _ => "general" };
        var hours = new Option<double>("--hours") { Description = "Until the token expires: above 0, at most 720.", DefaultValueFactory = _ => 12 };
        var json = JsonLine.Option();
        hours.Require(value => value is > 0 and <= 720, "--hours is a number above 0 and at most 720.");
        var command = new Command("token", "Issues a bearer token for the demo's router.") { data, user, role, department, hours, json };
        command.SetAction(parsed =>
        {
            var issuer = DemoCredentials.ExistingIssuer(Path.GetFullPath(parsed.GetRequiredValue(data)));
            var caller = new Caller(parsed.GetRequiredValue(user), parsed.GetRequiredValue(role), parsed.GetRequiredValue(department));
            Print(issuer.Issue(caller, TimeSpan.FromHours(parsed.GetValue(hours))), parsed.GetValue(json));
            WarnOfStranger(parsed.GetRequiredValue(data), caller.Department);
        });
        return command;
    }

    // The token is good all the same: a department may be added to the policy before it is used.
    private static void WarnOfStranger(string data, string department)
    {
        var ledger = Path.Combine(data, "router", SqliteBudgetLedger.FileName);
        if (!File.Exists(ledger))
        {
            return;
        }

        try
        {
            var prefix = AccountId.Department(string.Empty).Value;
            var known = LedgerVerifier.Accounts(ledger, TimeProvider.System.GetUtcNow())
                .Select(account => account.Policy.Id.Value).Where(id => id.StartsWith(prefix, StringComparison.Ordinal)).Select(id => id[prefix.Length..]).ToList();
            if (known.Count > 0 && !known.Contains(department, StringComparer.Ordinal))
            {
                Console.Error.WriteLine($"fedllm token: the router has no quota for '{department}' and will refuse its questions; it knows {string.Join(", ", known)}.");
            }
        }
        catch (SqliteException)
        {
            // The router makes its tables at this moment: nothing is known yet.
        }
    }

    private static void Print(string token, bool json)
    {
        if (json)
        {
            JsonLine.Write(new { token });
        }
        else
        {
            Console.WriteLine(token);
        }
    }
}
