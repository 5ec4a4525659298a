using FederatedDpLlm.Privacy.Accounting;

namespace FederatedDpLlm.Cli.Commands.Accounts;

/// <summary>Turns a parameter out of range, an event that cannot be costed, or a file that cannot be written into one line on standard error and exit code 2.</summary>
internal static class Refusal
{
    public static int Of(Action action)
    {
        try
        {
            action();
            return 0;
        }
        catch (Exception refused) when (refused is ArgumentException or UnaccountableEventException or ArithmeticException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine("fedllm account: " + refused.Message.Split('\n')[0]);
            return 2;
        }
    }
}
