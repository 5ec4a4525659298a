using System.Text;

namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>
/// Many prompts continued in step over a server that gives only its likeliest tokens: the public call's are the candidates, and what a voter's call does not
/// give for one of them is NaN, which counts as -C. Where the server shows texts only, tokens have numbers of this batch's own.
/// </summary>
internal sealed class RemoteDecodingBatch(IReadOnlyList<string> prompts, RemoteEngineOptions options, IEngineDialect dialect) : IDecodingBatch
{
    private readonly Dictionary<int, TokenCandidate> _tokens = [];
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<TokenCandidate> _answer = [];
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly float[][] _logits = new float[prompts.Count][];

    public IReadOnlyList<int> Candidates { get; private set; } = [];

    public string Text { get; private set; } = "";

    public IDecodingBatch Fork()
    {
        var fork = new RemoteDecodingBatch(prompts, options, dialect) { Candidates = Candidates };
        _tokens.ToList().ForEach(token => fork._tokens.Add(token.Key, token.Value));
        _numbers.ToList().ForEach(number => fork._numbers.Add(number.Key, number.Value));
        _logits.CopyTo(fork._logits, 0);
        return fork;
    }

    // Servers write part of a character as an empty text: only its bytes tell it from a token that ends the answer.
    public bool IsEnd(int token) => _tokens[token] is var candidate && options.EndTexts.Contains(candidate.Text) && !(candidate is { Text: "", Bytes.Length: > 0 });

    public ReadOnlySpan<float> Logits(int index) => _logits[index];

    public Task AppendAsync(int token, CancellationToken cancellationToken)
    {
        var candidate = _tokens[token];
        _answer.Add(candidate);
        Text += TextOf(candidate);
        return StepAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Asks for the next token's candidates: once for each different prompt.</summary>
    public async Task StepAsync(CancellationToken cancellationToken)
    {
        var asked = prompts.Distinct(StringComparer.Ordinal).ToDictionary(prompt => prompt, prompt => dialect.NextAsync(prompt, _answer, cancellationToken), StringComparer.Ordinal);
        var shared = await asked[prompts[0]].ConfigureAwait(false);
        var given = await Task.WhenAll(prompts.Select(prompt => RemoteEngine.OrAsync(asked[prompt], shared, cancellationToken))).ConfigureAwait(false);
        var candidates = shared.Where(candidate => candidate.Id is not null || candidate.IsWholeText)
            .OrderByDescending(candidate => candidate.LogProbability).ThenBy(candidate => candidate.Text, StringComparer.Ordinal).ThenBy(candidate => candidate.Id).Take(options.TopCandidates).ToList();
        if (candidates.Count == 0)
        {
            throw new EngineException(EngineFault.Malformed, "The engine gave no candidate token.");
        }

        Candidates = [.. candidates.Select(NumberOf)];
        for (var context = 0; context < prompts.Count; context++)
        {
            var values = given[context].ToDictionary(KeyOf, candidate => (float)candidate.LogProbability);
            _logits[context] = [.. candidates.Select(candidate => values.GetValueOrDefault(KeyOf(candidate), float.NaN))];
        }
    }

    private static object KeyOf(TokenCandidate candidate) => candidate.Id is { } id ? id : candidate.Text;

    private int NumberOf(TokenCandidate candidate)
    {
        var number = candidate.Id ?? (_numbers.TryGetValue(candidate.Text, out var known) ? known : _numbers[candidate.Text] = _numbers.Count);
        _tokens[number] = candidate;
        return number;
    }

    // With bytes, a character in parts shows once it is whole.
    private string TextOf(TokenCandidate candidate)
    {
        if (candidate is not { Id: not null, Bytes: { } bytes })
        {
            return candidate.Text;
        }

        var characters = new char[bytes.Length + 1];
        return new string(characters, 0, _decoder.GetChars(bytes, characters, flush: false));
    }
}
