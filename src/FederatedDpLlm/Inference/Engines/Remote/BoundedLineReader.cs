using System.Text;

namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>
/// Lines of a stream, each of a bounded length and with its end: what follows the last one is the beginning of a line that never came, and no line
/// (server-sent events: "discarded", WHATWG HTML 9.2.6).
/// </summary>
internal sealed class BoundedLineReader(Stream stream) : IDisposable
{
    private const int MaxLineCharacters = 1 << 20;
    private readonly StreamReader _reader = new(stream, Encoding.UTF8);
    private readonly StringBuilder _line = new();
    private readonly char[] _buffer = new char[4096];
    private int _next;
    private int _filled;

    /// <summary>The next line without its end; null at the stream's end.</summary>
    /// <exception cref="EngineException">A line without an end.</exception>
    public async Task<string?> ReadAsync(CancellationToken cancellationToken)
    {
        _line.Clear();
        while (_next < _filled || await FillAsync(cancellationToken).ConfigureAwait(false))
        {
            var end = _buffer.AsSpan(_next, _filled - _next).IndexOf('\n');
            var length = end < 0 ? _filled - _next : end;
            _line.Append(_buffer, _next, length);
            _next += length + (end < 0 ? 0 : 1);
            if (_line.Length > MaxLineCharacters)
            {
                throw new EngineException(EngineFault.Oversized, "The engine's stream holds a line without an end.");
            }

            if (end >= 0)
            {
                return _line.ToString().TrimEnd('\r');
            }
        }

        return null;
    }

    public void Dispose() => _reader.Dispose();

    private async Task<bool> FillAsync(CancellationToken cancellationToken)
    {
        (_next, _filled) = (0, await _reader.ReadAsync(_buffer.AsMemory(), cancellationToken).ConfigureAwait(false));
        return _filled > 0;
    }
}
