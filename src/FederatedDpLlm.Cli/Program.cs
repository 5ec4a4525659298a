using System.CommandLine;
using FederatedDpLlm.Cli.Commands;

// The command line reads as a table of contents: one class per group of commands.
var root = new RootCommand("A federation of hospitals, one language model, private answers. 'fedllm demo' starts one on this machine.")
{
    BudgetCommand.Create(),
    AuditCommand.Create(),
    DemoCommand.Create(),
    TokenCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
