using System.Text;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>Standard error that remembers what was said last: with <c>--json</c>, what went wrong is told on standard output too.</summary>
internal sealed class ErrorText(TextWriter error) : TextWriter
{
    public override Encoding Encoding => error.Encoding;

    /// <summary>The first line of what was written last.</summary>
    public string Last { get; private set; } = string.Empty;

    public override void WriteLine(string? value)
    {
        error.WriteLine(value);
        Last = string.IsNullOrWhiteSpace(value) ? Last : value.Split('\n')[0];
    }

    public override void Write(char value) => error.Write(value);

    public override void Write(string? value) => error.Write(value);

    public override void Flush() => error.Flush();
}
