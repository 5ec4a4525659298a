using System.Text;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>Standard error that remembers its last line: with <c>--json</c>, what went wrong is told on standard output too.</summary>
internal sealed class ErrorText(TextWriter error) : TextWriter
{
    private readonly StringBuilder _line = new();

    public override Encoding Encoding => error.Encoding;

    /// <summary>The last line that is not empty.</summary>
    public string Last { get; private set; } = string.Empty;

    public override void Write(char value)
    {
        error.Write(value);
        if (value is not ('\n' or '\r'))
        {
            _line.Append(value);
            return;
        }

        Last = string.IsNullOrWhiteSpace(_line.ToString()) ? Last : _line.ToString();
        _line.Clear();
    }

    public override void Flush() => error.Flush();
}
