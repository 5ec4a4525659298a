namespace FederatedDpLlm.Inference.Engines.OpenAi;

/// <summary>
/// Many prompts continued in step over an endpoint that gives only its likeliest tokens: the public call's are the candidates, and what a voter's call does not
/// give for one of them is NaN, which counts as -C. Tokens are texts; their numbers are this batch's own.
/// </summary>
internal sealed class OpenAiDecodingBatch(IReadOnlyList<string> prompts, OpenAiEngineOptions options, Func<string, CancellationToken, Task<Dictionary<string, double>>> ask) : IDecodingBatch
{
    private readonly List<string> _tokens = [];
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly float[][] _logits = new float[prompts.Count][];

    public IReadOnlyList<int> Candidates { get; private set; } = [];

    public string Text { get; private set; } = "";

    public IDecodingBatch Fork()
    {
        var fork = new OpenAiDecodingBatch(prompts, options, ask) { Candidates = Candidates, Text = Text };
        fork._tokens.AddRange(_tokens);
        _numbers.ToList().ForEach(number => fork._numbers.Add(number.Key, number.Value));
        _logits.CopyTo(fork._logits, 0);
        return fork;
    }

    public bool IsEnd(int token) => options.EndTexts.Contains(_tokens[token]);

    public ReadOnlySpan<float> Logits(int index) => _logits[index];

    public Task AppendAsync(int token, CancellationToken cancellationToken)
    {
        Text += _tokens[token];
        return StepAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Asks for the next token's candidates: once for each different prompt.</summary>
    public async Task StepAsync(CancellationToken cancellationToken)
    {
        var asked = prompts.Distinct(StringComparer.Ordinal).ToDictionary(prompt => prompt, prompt => ask(prompt + Text, cancellationToken), StringComparer.Ordinal);
        var shared = await asked[prompts[0]].ConfigureAwait(false);
        var given = await Task.WhenAll(prompts.Select(prompt => OpenAiCompatibleEngine.OrAsync(asked[prompt], shared))).ConfigureAwait(false);
        var texts = shared.Where(candidate => IsWhole(candidate.Key)).OrderByDescending(candidate => candidate.Value).ThenBy(candidate => candidate.Key, StringComparer.Ordinal)
            .Take(options.TopCandidates).Select(candidate => candidate.Key).ToList();
        if (texts.Count == 0)
        {
            throw new EngineException(EngineFault.Malformed, "The engine gave no candidate token.");
        }

        Candidates = [.. texts.Select(NumberOf)];
        for (var context = 0; context < prompts.Count; context++)
        {
            _logits[context] = [.. texts.Select(text => given[context].TryGetValue(text, out var value) ? (float)value : float.NaN)];
        }
    }

    private int NumberOf(string text)
    {
        if (!_numbers.TryGetValue(text, out var number))
        {
            _numbers[text] = number = _tokens.Count;
            _tokens.Add(text);
        }

        return number;
    }

    // Part of a character cannot be sent back as text: vLLM writes such tokens as "bytes:\x..", others as U+FFFD.
    private static bool IsWhole(string text) => !text.Contains('\uFFFD', StringComparison.Ordinal) && !text.StartsWith("bytes:", StringComparison.Ordinal);
}
