using System.CommandLine;
using System.CommandLine.Parsing;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>Rules for the values of options, checked before the command runs.</summary>
internal static class OptionRules
{
    /// <param name="option">The option whose value is checked, also its default.</param>
    /// <param name="holds">What must be true of the value.</param>
    /// <param name="message">Which values are allowed.</param>
    public static void Require<T>(this Option<T> option, Func<T?, bool> holds, string message) =>
        option.Validators.Add(result => Check(result, () => holds(result.GetValue(option)), message));

    /// <summary>A rule about several options together.</summary>
    public static void Require(this Command command, Func<CommandResult, bool> holds, string message) =>
        command.Validators.Add(result => Check(result, () => holds(result), message));

    private static void Check(SymbolResult result, Func<bool> holds, string message)
    {
        try
        {
            if (!holds())
            {
                result.AddError(message);
            }
        }
        catch (InvalidOperationException)
        {
            // Text that is no value at all (--degree abc): the parser says so itself, after the rules.
        }
    }
}
