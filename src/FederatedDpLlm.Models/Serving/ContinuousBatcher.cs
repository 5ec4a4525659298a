using System.Runtime.CompilerServices;
using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Serving.Constraints;

namespace FederatedDpLlm.Models.Serving;

// References
//   Yu et al. 2022, Orca (OSDI): iteration-level scheduling.
//   Agrawal et al. 2023, Sarathi (arXiv:2308.16369): prompts in chunks beside the decoding of others.
//   Kwon et al. 2023, PagedAttention (arXiv:2309.06180): the cache in blocks.

/// <summary>
/// All that is asked of one model at the same time, through one pass after the other: each appends a token to every answer under way and reads a chunk of the
/// prompts that wait, whoever came when. Logits have the same bits in any company (see <see cref="LanguageModel"/>), so that an answer is the one it would be alone.
/// </summary>
/// <remarks>
/// Streams, which it draws itself, wait for their turn and may be refused. Batches of voters are let in at once: their questions have paid, and a refusal would spend
/// that for nothing; their memory counts, so that streams wait for it.
/// </remarks>
public sealed class ContinuousBatcher : IDisposable
{
    private readonly LanguageModel _model;
    private readonly ServingOptions _options;
    private readonly PrefixCache _prefixes;
    private readonly TokenMask _mask;
    private readonly Lock _gate = new();
    private readonly LinkedList<ServedStream> _waiting = new();
    private List<ServedWork> _running = [];
    private long _blocks;
    private bool _works;
    private bool _disposed;

    /// <param name="model">May have other users, too.</param>
    /// <param name="options">Its bounds; defaults where null.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public ContinuousBatcher(LanguageModel model, ServingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _options) = (model, (options ?? new ServingOptions()).Checked());
        _prefixes = new PrefixCache(model.Pool, (int)Math.Min(int.MaxValue, _options.PrefixBytes / model.Pool.Layout.BlockBytes));
        _mask = new TokenMask(model.Tokenizer, model.Template.EndTokens, model.Configuration.Vocabulary);
    }

    /// <summary>What it holds now.</summary>
    public ServingLoad Load
    {
        get
        {
            lock (_gate)
            {
                return new ServingLoad(_running.Count, _waiting.Count, _blocks * _model.Pool.Layout.BlockBytes);
            }
        }
    }

    /// <summary>Sees every pass before it runs.</summary>
    internal Action<IReadOnlyList<ForwardPiece>>? Watch { get; init; }

    private long MostBlocks => _options.CacheBytes / _model.Pool.Layout.BlockBytes;

    /// <summary>The tokens of one answer as they are drawn; an ending token is not among them.</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="cancellationToken">The caller's deadline or its going away; the stream's memory is free once the enumeration has ended.</param>
    /// <exception cref="ServingRefusedException">It was not let in.</exception>
    /// <exception cref="ArgumentException">The request is empty, a token unknown, or a parameter out of its range.</exception>
    public async IAsyncEnumerable<StreamToken> GenerateAsync(StreamRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var stream = Admit(request, leaving.Token);
        try
        {
            await foreach (var token in stream.Tokens.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
            {
                yield return token;
            }
        }
        finally
        {
            // Where the reader stops early, a pass may still write the stream's memory.
            await leaving.CancelAsync().ConfigureAwait(false);
            await stream.Released.ConfigureAwait(false);
        }
    }

    /// <summary>Opens one decoding for many contexts that will be fed the same tokens; what they have in common is computed and stored once.</summary>
    /// <param name="contexts">Token sequences, each of at least one token.</param>
    /// <param name="growth">Tokens that will be appended at most, by the batch or by one fork of it after the other: memory that is set aside.</param>
    /// <param name="adapter">What the base weights are changed by, made by the same model; null for the model as it is.</param>
    /// <param name="cancellationToken">Ends the prefill between two passes.</param>
    /// <exception cref="ContextOverflowException">A context is longer than the model's.</exception>
    public async Task<DecodingBatch> OpenAsync(IReadOnlyList<IReadOnlyList<int>> contexts, int growth, ModelAdapter? adapter, CancellationToken cancellationToken)
    {
        adapter?.Check(_model.Configuration);
        var (batch, distinct) = DecodingBatch.Create(_model.Forward, _model.Configuration, contexts);

        // A fork writes into a copy of the block that its contexts end in.
        var blocks = distinct.Sum(context => (long)KvLayout.BlocksOf(context.Length + growth) + 1);
        SetAside(blocks);
        batch.Disposed = () => SetAside(-blocks);
        try
        {
            foreach (var work in batch.Prefill(_model.Pool, adapter, distinct))
            {
                await RunAsync(work, cancellationToken).ConfigureAwait(false);
            }

            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    /// <summary>Appends one token to every context of a batch, in the next pass together with what others ask for.</summary>
    /// <param name="batch">Not used otherwise until the task ends.</param>
    /// <param name="token">The token.</param>
    /// <param name="cancellationToken">Ends the work at once, or with the pass that it is in; the batch is then of no further use.</param>
    /// <exception cref="ContextOverflowException">A context is full; nothing was appended.</exception>
    public Task AppendAsync(DecodingBatch batch, int token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return RunAsync(batch.Step(token), cancellationToken);
    }

    /// <summary>The log-likelihood of each option as the continuation of each context; see <see cref="DecodingBatch.Score"/>.</summary>
    /// <exception cref="ContextOverflowException">A context with an option is longer than the model's context.</exception>
    public async Task<IReadOnlyList<IReadOnlyList<double>>> ScoreAsync(DecodingBatch batch, IReadOnlyList<IReadOnlyList<int>> options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var scoring = batch.Scoring(options);
        await RunAsync(scoring.Work, cancellationToken).ConfigureAwait(false);
        return batch.ScoresOf(scoring);
    }

    /// <summary>Ends all that is under way.</summary>
    public void Dispose()
    {
        List<ServedWork> ended;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            ended = [.. _running.Where(one => !one.InPass), .. _waiting];
            ended.ForEach(one => Drop(one));
        }

        ended.ForEach(one => one.End(Closed()));
        _prefixes.Dispose();
    }

    private ServedStream Admit(StreamRequest request, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfZero(request.Prompt.Count, nameof(request));
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxTokens, 1, nameof(request));
        request.Sampling.Checked();
        if (request.Prompt.Any(token => (uint)token >= (uint)_model.Configuration.Vocabulary))
        {
            throw new ArgumentException("The prompt holds a token that the model does not know.", nameof(request));
        }

        request.Adapter?.Check(_model.Configuration);
        var positions = request.Prompt.Count + (long)request.MaxTokens;
        if (positions > _model.Configuration.Context)
        {
            throw new ServingRefusedException(ServingRefusal.TooLong, $"Prompt and answer are {positions} tokens, the context has {_model.Configuration.Context}.");
        }

        if (request.Constraint is { } form && form.Start.BytesLeft > request.MaxTokens)
        {
            throw new ServingRefusedException(ServingRefusal.TooFewTokens, $"The shortest answer of this form may take {form.Start.BytesLeft} tokens, and {request.MaxTokens} are allowed.");
        }

        var stream = new ServedStream(request, _mask, _prefixes, cancellation);
        if (stream.Blocks > MostBlocks)
        {
            throw new ServingRefusedException(ServingRefusal.TooLarge, $"Prompt and answer are {positions} tokens, more than the memory that streams have.");
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            Fill();
            if (_waiting.Count >= _options.MostWaiting && !HasRoom(stream))
            {
                throw new ServingRefusedException(ServingRefusal.QueueFull, $"{_waiting.Count} requests wait already: ask again later.");
            }

            _waiting.AddLast(stream);
            Wake();
        }

        cancellation.UnsafeRegister(_ => Leave(stream), null);
        return stream;
    }

    private async Task RunAsync(ForwardWork work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _model.Forward.Check(work);
        var errand = new ServedErrand(work, cancellationToken);
        if (work.Left == 0)
        {
            return;
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _running.Add(errand);
            Wake();
        }

        var registration = cancellationToken.UnsafeRegister(_ => Leave(errand), null);
        await using var registered = registration.ConfigureAwait(false);
        await errand.Done.ConfigureAwait(false);
    }

    // What runs in a pass is left to that pass's end.
    private void Leave(ServedWork one)
    {
        lock (_gate)
        {
            if (one.InPass || !Drop(one))
            {
                return;
            }

            Wake();
        }

        one.End(new OperationCanceledException(one.Cancellation));
    }

    private void SetAside(long blocks)
    {
        lock (_gate)
        {
            _blocks += blocks;
            Wake();
        }
    }

    private void Wake()
    {
        Fill();
        if (!_works && _running.Count > 0)
        {
            _works = true;
            _ = Task.Run(Passes, CancellationToken.None);
        }
    }

    // First come, first served: a large request is not overtaken by small ones for ever.
    private void Fill()
    {
        while (!_disposed && _waiting.First is { Value: var stream } && HasRoom(stream))
        {
            _waiting.RemoveFirst();
            _running.Add(stream);
            _blocks += stream.Blocks;
            stream.Begin();
        }
    }

    private bool HasRoom(ServedStream stream) => _running.Count(one => one is ServedStream) < _options.MostStreams && _blocks + stream.Blocks <= MostBlocks;

    private bool Drop(ServedWork one)
    {
        if (_running.Remove(one))
        {
            _blocks -= one is ServedStream running ? running.Blocks : 0;
            return true;
        }

        return one is ServedStream waiting && _waiting.Remove(waiting);
    }

    // One task for as long as there is work; what is in a pass is touched by it alone.
    private void Passes()
    {
        while (TakePass() is { Count: > 0 } pass)
        {
            Exception? fault = null;
            try
            {
                var pieces = pass.SelectMany(part => part.Pieces).ToList();
                Watch?.Invoke(pieces);
                _model.Forward.Pass(pieces);
            }
            catch (Exception failed)
            {
                // Whose fault it was is not known: all that shared the pass end with it.
                fault = failed;
            }

            Settle(pass.ConvertAll(part => part.One), fault);
        }
    }

    private List<(ServedWork One, List<ForwardPiece> Pieces)> TakePass()
    {
        lock (_gate)
        {
            Fill();
            var (steps, prompts) = (_running.Where(one => one.Work!.IsStep).ToList(), _running.Where(one => !one.Work!.IsStep).ToList());
            var chunk = (int)Math.Min(prompts.Sum(one => (long)one.Work!.Left), steps.Count > 0 ? _options.ChunkTokens : BatchedForward.RowsPerPass);
            List<(ServedWork One, List<ForwardPiece> Pieces)> pass = [.. Share(steps, BatchedForward.RowsPerPass - chunk), .. Share(prompts, chunk)];
            pass.ForEach(part => part.One.InPass = true);
            _works = pass.Count > 0;
            return pass;
        }
    }

    private static IEnumerable<(ServedWork One, List<ForwardPiece> Pieces)> Share(List<ServedWork> works, int rows)
    {
        foreach (var one in works.TakeWhile(_ => rows > 0))
        {
            List<ForwardPiece> pieces = [.. one.Work!.Take(rows)];
            rows -= pieces.Sum(piece => piece.Chunk.Tokens.Length);
            yield return (one, pieces);
        }
    }

    private void Settle(List<ServedWork> pass, Exception? fault)
    {
        var faults = new Exception?[pass.Count];
        Array.Fill(faults, fault);
        if (fault is null)
        {
            Draw(pass, faults);
        }

        var ended = new List<(ServedWork One, Exception? Fault)>();
        lock (_gate)
        {
            // Who was served goes to the end of the line.
            _running = [.. _running.Where(one => !one.InPass), .. pass];
            for (var i = 0; i < pass.Count; i++)
            {
                var one = pass[i];
                one.InPass = false;
                var end = faults[i] ?? (one.Work is null ? null : _disposed ? Closed() : one.Cancellation.IsCancellationRequested ? new OperationCanceledException(one.Cancellation) : null);
                if (end is not null || one.Work is null)
                {
                    Drop(one);
                    ended.Add((one, end));
                }
            }
        }

        ended.ForEach(last => last.One.End(last.Fault));
    }

    // Sorting a large vocabulary takes as long as a layer does: streams draw side by side. A fault in it ends its own stream only.
    private static void Draw(List<ServedWork> pass, Exception?[] faults)
    {
        var done = Enumerable.Range(0, pass.Count).Where(i => pass[i].Work!.Left == 0).ToList();
        Parallel.ForEach(done, i =>
        {
            try
            {
                pass[i].Advance();
            }
            catch (Exception fault)
            {
                faults[i] = fault;
            }
        });
    }

    private static ObjectDisposedException Closed() => new(nameof(ContinuousBatcher));
}
