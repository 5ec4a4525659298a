using System.Threading.Channels;
using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Serving.Constraints;

namespace FederatedDpLlm.Models.Serving;

/// <summary>One answer: its sequence, and its tokens on their way to whoever asked.</summary>
internal sealed class ServedStream : ServedWork
{
    private readonly Channel<StreamToken> _tokens = Channel.CreateUnbounded<StreamToken>(new() { SingleReader = true, SingleWriter = true });
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StreamRequest _request;
    private readonly TokenMask _mask;
    private readonly PrefixCache _prefixes;
    private readonly TokenShaping _shaping;
    private readonly TokenSampler _sampler;
    private readonly int[] _prompt;
    private readonly float[] _logits;
    private readonly float[] _shaped;
    private KvSequence? _sequence;
    private ByteState? _form;
    private int _given;

    public ServedStream(StreamRequest request, TokenMask mask, PrefixCache prefixes, CancellationToken cancellation)
        : base(cancellation)
    {
        (_request, _mask, _prefixes, _prompt, _form) = (request, mask, prefixes, [.. request.Prompt], request.Constraint?.Start);
        (_shaping, _sampler) = (new TokenShaping(request.Sampling), new TokenSampler(request.Random));
        (_logits, _shaped) = (new float[mask.Vocabulary], new float[mask.Vocabulary]);
        Blocks = KvLayout.BlocksOf(_prompt.Length + request.MaxTokens);
    }

    public ChannelReader<StreamToken> Tokens => _tokens.Reader;

    /// <summary>Ends when it holds no memory any more.</summary>
    public Task Released => _released.Task;

    /// <summary>Blocks that it holds at its longest.</summary>
    public int Blocks { get; }

    private int TokensLeft => _request.MaxTokens - _given;

    /// <summary>Its turn has come: the first work is what is not known of the prompt.</summary>
    public void Begin()
    {
        _sequence = _prefixes.Begin(_request.Tenant, _request.Adapter, _prompt);
        Work = Append(_prompt.AsMemory(_sequence.Length));
    }

    /// <inheritdoc/>
    public override void Advance()
    {
        if (_given == 0)
        {
            _prefixes.Keep(_request.Tenant, _prompt, _sequence!);
        }

        Work = Draw() is { } token ? Append(new[] { token }) : null;
    }

    /// <inheritdoc/>
    public override void End(Exception? fault)
    {
        Work = null;
        _sequence?.Dispose();
        _sequence = null;
        _tokens.Writer.TryComplete(fault);
        _released.TrySetResult();
    }

    private ForwardWork Append(ReadOnlyMemory<int> tokens) =>
        new([new SequenceChunk(_sequence!, tokens, LogitsWanted.Last)], (_, _, logits) => logits.CopyTo(_logits));

    // The token to go on with; null where the answer is over.
    private int? Draw()
    {
        _shaping.Shape(_form is null ? _logits : _mask.Apply(_form, _logits, TokensLeft), _shaped);
        var token = _sampler.Sample(_shaped, _request.Sampling.Temperature);
        if (_mask.IsEnd(token))
        {
            return null;
        }

        _shaping.Release(token);
        _form = _form is null ? null : _mask.After(_form, token);
        _given++;
        var isWhole = _form is { IsWhole: true };
        _tokens.Writer.TryWrite(new StreamToken(token, LogLikelihood.Of(_logits, token), isWhole));
        return isWhole || TokensLeft == 0 ? null : token;
    }
}
