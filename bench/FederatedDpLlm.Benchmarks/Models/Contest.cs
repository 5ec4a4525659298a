using System.Diagnostics;
using FederatedDpLlm.Benchmarks;
using FederatedDpLlm.Models;
using FederatedDpLlm.Tests.Judge;

namespace FederatedDpLlm.Benchmarks.Models;

/// <summary>Two engines on one GGUF file, in turns: ABAB, five rounds, medians, so that a neighbour's load meets both.</summary>
internal sealed class Contest : IDisposable
{
    private const int Rounds = 5;
    private const string PeerName = "llama.cpp v0.5.0 (npm node-llama-cpp 3.22.1, best CPU library)";
    private readonly ShapedModel _model;
    private readonly LanguageModel _ours;
    private readonly LlamaCpp? _theirs;
    private readonly int _threads;

    public Contest(ShapedModel model, int threads)
    {
        (_model, _threads) = (model, threads);
        _ours = model.Load(threads);
        _theirs = LlamaCpp.FolderIn(Repository.Root) is { } folder ? LlamaCpp.Load(folder, model.File, threads, model.Shape.Context) : null;
    }

    /// <summary>Tokens per second, then tokens per second of processor time, of decoding after a short prompt.</summary>
    public IEnumerable<Measurement> Decode(string type, int tokens) => Measure($"{_model.Name} {type}", tokens, OursDecode, TheirsDecode);

    /// <summary>As <see cref="Decode"/>, of reading a prompt.</summary>
    public IEnumerable<Measurement> Prefill(string type, int tokens) => Measure($"{_model.Name} {type} prompt of {tokens}", tokens, OursPrefill, TheirsPrefill);

    public void Dispose() => _theirs?.Dispose();

    private IEnumerable<Measurement> Measure(string setting, int tokens, Func<int, Speed> ours, Func<int, Speed> theirs)
    {
        var (a, b) = (new List<Speed>(), new List<Speed>());
        for (var round = -1; round < Rounds; round++)
        {
            var (one, other) = (ours(tokens), _theirs is null ? default : theirs(tokens));
            if (round >= 0)
            {
                a.Add(one);
                b.Add(other);
            }
        }

        setting += _threads == 1 ? ", 1 thread" : $", {_threads} threads";
        yield return Result(setting, "tokens/s", speed => speed.PerSecond);
        yield return Result(setting, "tokens/CPU-s", speed => speed.PerProcessorSecond);

        Measurement Result(string name, string unit, Func<Speed, double> of) => _theirs is null
            ? new Measurement(name, Median.Of(a.Select(of)), unit)
            : new Measurement(name, Median.Of(a.Select(of)), unit, PeerName, Median.Of(b.Select(of)));
    }

    private Speed OursDecode(int tokens)
    {
        using var batch = _ours.OpenBatch([Prompt(8)], CancellationToken.None);
        return Speed.Of(tokens, i => batch.Append(i % 200, CancellationToken.None));
    }

    private Speed TheirsDecode(int tokens)
    {
        _theirs!.Clear();
        _theirs.Decode(Prompt(8));
        return Speed.Of(tokens, i =>
        {
            _theirs.Decode([i % 200]);
            _ = _theirs.Logits()[0];
        });
    }

    private Speed OursPrefill(int tokens) => Speed.Of(1, _ => _ours.OpenBatch([Prompt(tokens)], CancellationToken.None).Dispose()) * tokens;

    private Speed TheirsPrefill(int tokens)
    {
        _theirs!.Clear();
        return Speed.Of(1, step =>
        {
            _theirs.Decode(Prompt(tokens));
            _ = _theirs.Logits()[0];
        }) * tokens;
    }

    private static int[] Prompt(int tokens) => [.. Enumerable.Range(0, tokens).Select(i => i * 7 % 250)];

    private readonly record struct Speed(double PerSecond, double PerProcessorSecond)
    {
        // Threads that wait by spinning can stall for minutes on a busy machine: what is done by then counts.
        private static readonly TimeSpan Longest = TimeSpan.FromSeconds(8);

        public static Speed operator *(Speed speed, double factor) => new(speed.PerSecond * factor, speed.PerProcessorSecond * factor);

        public static Speed Of(int steps, Action<int> step)
        {
            var (clock, processor, done) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime, 0);
            while (done < steps && clock.Elapsed < Longest)
            {
                step(done++);
            }

            return new Speed(done / clock.Elapsed.TotalSeconds, done / (Environment.CpuUsage.TotalTime - processor).TotalSeconds);
        }
    }
}
