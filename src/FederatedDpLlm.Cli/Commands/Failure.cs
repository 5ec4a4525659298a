using System.CommandLine.Parsing;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>Says why a command failed: a sentence for what its caller can mend, a stack trace for a fault of this program.</summary>
internal static class Failure
{
    public static int Tell(Exception failure, CommandResult command)
    {
        var code = ExitCode.Of(failure);

        // The rest of an ArgumentException's text names a parameter of this program, which says nothing to the caller.
        var reason = code is null ? failure.ToString() : failure is ArgumentException ? failure.Message.Split(" (Parameter '")[0] : failure.Message;
        Console.Error.WriteLine($"{NameOf(command)}: {reason}");
        return code ?? ExitCode.Bad;
    }

    // As it is typed: fedllm model export.
    private static string NameOf(CommandResult command) => command.Parent is CommandResult parent ? $"{NameOf(parent)} {command.Command.Name}" : "fedllm";
}
