using System.CommandLine;
using FederatedDpLlm.Cli.Commands;

// The command line reads as a table of contents: one class per group of commands.
var root = new RootCommand("A federation of hospitals, one language model, private answers. 'fedllm demo' starts one on this machine.")
{
    BudgetCommand.Create(),
    AccountCommand.Create(),
    AuditCommand.Create(),
    AggregationCommand.Create(),
    ShardCommand.Create(),
    DemoCommand.Create(),
    TokenCommand.Create(),
    ModelCommand.Create(),
    GenerateCommand.Create(),
    PretrainCommand.Create(),
    TrainCommand.Create(),
    EvalCommand.Create(),
};

var parsed = root.Parse(args);

// By default a command that was interrupted is cut off after two seconds. The demo ends its processes first, by force where one does not listen.
var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false };
invocation.ProcessTerminationTimeout = parsed.CommandResult.Command.Name == DemoCommand.Name ? null : invocation.ProcessTerminationTimeout;

// With --json standard output is one line of JSON, also where something goes wrong.
var json = args.Contains("--json");
var errors = new ErrorText(Console.Error);
if (json)
{
    Console.SetError(TextWriter.Synchronized(errors));
    (invocation.Output, invocation.Error) = (Console.Error, Console.Error);
}

int code;
try
{
    code = await parsed.InvokeAsync(invocation);
    code = parsed.Errors.Count > 0 ? ExitCode.Misuse : code;
}
catch (Exception failure)
{
    code = Failure.Tell(failure, parsed.CommandResult);
}

if (json && code != ExitCode.Good && !JsonLine.IsWritten)
{
    JsonLine.Write(new { error = parsed.Errors.Count > 0 ? parsed.Errors[0].Message : errors.Last, ok = false });
}

return code;
