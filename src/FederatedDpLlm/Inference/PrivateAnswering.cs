using System.Runtime.CompilerServices;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Inference;

/// <summary>
/// A hospital's private answers over its sharded records and its engine: plan (public, free), reserve (the caller's), answer. The caller holds the plan's cost
/// on the data accounts before it asks for anything but a plan, and charges the completion's cost afterwards; where no completion came, the plan's.
/// </summary>
/// <param name="engine">The base model.</param>
/// <param name="records">The shards: one voter each.</param>
/// <param name="random">All noise comes from it.</param>
/// <param name="options">Defaults where null.</param>
public sealed class PrivateAnswering(IInferenceEngine engine, ShardedRecords records, ISecureRandom random, AnsweringOptions? options = null)
{
    private readonly VoterContexts _contexts = new(records, (options ?? new AnsweringOptions()).RecordsPerVoter);

    /// <summary>The voters of this node, by configuration: its number of shards, whatever they hold.</summary>
    public int Voters => records.Count;

    /// <summary>The base model's public name.</summary>
    public string Model => engine.Capabilities.Model;

    /// <summary>How many tokens the asker's own messages take; 0 where the engine does not say. Records are no part of it: how long they are is private.</summary>
    public int CountTokens(Question question) => engine.CountTokens(question.Messages);

    /// <summary>A plan for noise that this node draws. Reads public values only.</summary>
    public PlanOutcome Plan(Question question) => WithinEngine(question) ?? AnswerPlanner.Plan(question, NoisePlace.Node, Voters);

    /// <summary>A plan for this node's part where the router draws the noise over <paramref name="federationVoters"/> voters of all nodes together.</summary>
    public PlanOutcome PlanForRouter(Question question, int federationVoters)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(federationVoters, Voters);
        return WithinEngine(question) ?? AnswerPlanner.Plan(question, NoisePlace.Router, federationVoters);
    }

    /// <summary>Answers with noise drawn here (or on the public path without), one answer after the other. Stopping early by disposing the stream spends the whole plan.</summary>
    /// <exception cref="ArgumentException">The plan's noise is the router's.</exception>
    public IAsyncEnumerable<AnswerPiece> AnswerAsync(AnswerPlan plan, CancellationToken cancellationToken)
    {
        if (plan.Question.Mechanism == AnswerMechanism.Public)
        {
            return GenerateAsync(plan, cancellationToken);
        }

        RequireNoise(plan, NoisePlace.Node);
        return plan.Choice is not null ? ChooseAsync(plan, cancellationToken) : DecodeAsync(plan, cancellationToken);
    }

    /// <summary>This node's votes for a choice whose noise the router draws.</summary>
    /// <exception cref="ArgumentException">The plan is no choice, or its noise is this node's.</exception>
    public Task<VoteCounts> VoteAsync(AnswerPlan plan, CancellationToken cancellationToken)
    {
        RequireNoise(plan, NoisePlace.Router);
        RequireMechanism(plan, AnswerMechanism.Choice);
        return new ChoiceVoters(engine, records, _contexts).CountAsync(plan, cancellationToken);
    }

    /// <summary>This node's part of a private decoding whose tokens the router draws: the prompt, read once. Each answer is a fork of it.</summary>
    /// <exception cref="ArgumentException">The plan is no private decoding, or its noise is this node's.</exception>
    public async Task<NodeDecoding> OpenDecodingAsync(AnswerPlan plan, CancellationToken cancellationToken)
    {
        RequireNoise(plan, NoisePlace.Router);
        RequireMechanism(plan, AnswerMechanism.PrivateDecoding);
        return await OpenAsync(plan, cancellationToken).ConfigureAwait(false);
    }

    private async IAsyncEnumerable<AnswerPiece> GenerateAsync(AnswerPlan plan, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var answer = 0; answer < plan.Question.Answers; answer++)
        {
            await foreach (var piece in GenerateOneAsync(plan, answer, cancellationToken).ConfigureAwait(false))
            {
                yield return piece;
            }
        }
    }

    private async IAsyncEnumerable<AnswerPiece> DecodeAsync(AnswerPlan plan, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Every voter reads its context once; each answer goes on from there.
        var prompt = await OpenAsync(plan, cancellationToken).ConfigureAwait(false);
        await using var _ = prompt.ConfigureAwait(false);
        for (var answer = 0; answer < plan.Question.Answers; answer++)
        {
            await foreach (var piece in DecodeOneAsync(plan, prompt, cancellationToken).ConfigureAwait(false))
            {
                yield return piece;
            }
        }
    }

    private async IAsyncEnumerable<AnswerPiece> ChooseAsync(AnswerPlan plan, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // The voters are asked once; each answer is a draw of its own.
        var votes = await new ChoiceVoters(engine, records, _contexts).CountAsync(plan, cancellationToken).ConfigureAwait(false);
        for (var answer = 0; answer < plan.Question.Answers; answer++)
        {
            var option = plan.Choice!.Choose([.. votes.Counts], random);
            yield return new AnswerPiece.Text(plan.Question.Choices[option]);
            yield return new AnswerPiece.Completed(new AnswerCompletion(FinishReason.Stop, votes.OptionTokens[option], Voters, plan.Cost, option));
        }
    }

    private async IAsyncEnumerable<AnswerPiece> DecodeOneAsync(AnswerPlan plan, NodeDecoding prompt, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var decoding = prompt.Fork();
        await using var _ = decoding.ConfigureAwait(false);
        var draw = new TokenDraw(plan, random);
        var stop = new StopTexts(plan.Question.Stop);
        var (written, ended) = (0, false);
        while (!ended && draw.Tokens < plan.Cost.Releases)
        {
            var step = decoding.Current;
            var token = draw.Draw(step.Candidates, [.. step.PublicLogits], [.. step.Sums]);
            ended = decoding.IsEnd(token);
            if (!ended)
            {
                written++;
                var text = stop.Push(await decoding.AppendAsync(token, cancellationToken).ConfigureAwait(false));
                ended = stop.Found;
                if (text.Length > 0)
                {
                    yield return new AnswerPiece.Text(text);
                }
            }
        }

        if (stop.Rest() is { Length: > 0 } rest)
        {
            yield return new AnswerPiece.Text(rest);
        }

        yield return new AnswerPiece.Completed(new AnswerCompletion(ended ? FinishReason.Stop : FinishReason.Length, written, Voters, draw.Cost, null));
    }

    private async IAsyncEnumerable<AnswerPiece> GenerateOneAsync(AnswerPlan plan, int answer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var question = plan.Question;
        var (tokens, finish) = (0, (FinishReason?)null);
        var options = new GenerationOptions(question.MaxTokens, question.Sampling, question.Stop) 
        {
            Tenant = question.Asker,
            AnswerSchema = question.AnswerSchema,

            // Of several answers each has its own.
            Seed = question.Seed is { } seed ? unchecked(seed + answer) : null,
        };
        await foreach (var piece in engine.GenerateAsync(new ChatContext(question.Messages, []), options, cancellationToken).ConfigureAwait(false))
        {
            tokens = piece.Usage?.AnswerTokens ?? tokens + piece.Tokens;
            finish = piece.Finish ?? finish;
            if (piece.Text.Length > 0)
            {
                yield return new AnswerPiece.Text(piece.Text);
            }
        }

        finish ??= tokens >= question.MaxTokens ? FinishReason.Length : FinishReason.Stop;
        yield return new AnswerPiece.Completed(new AnswerCompletion(finish.Value, tokens, 0, AnswerCost.Free, null));
    }

    private async Task<NodeDecoding> OpenAsync(AnswerPlan plan, CancellationToken cancellationToken)
    {
        var batch = await engine.OpenDecodingAsync(_contexts.For(plan), plan.Question.MaxTokens, cancellationToken).ConfigureAwait(false);
        return new NodeDecoding(batch, plan.Decoding!, Voters);
    }

    // What the engine can do and how long the asker's own text is are public.
    private PlanOutcome? WithinEngine(Question question)
    {
        var able = engine.Capabilities;
        if (question.Mechanism == AnswerMechanism.Choice && !able.Scores)
        {
            return PlanOutcome.Refused("privacy.mechanism", $"A choice needs the likelihoods of its options, and the engine behind this node ({able.Model}) gives none: ask without privacy.choices.");
        }

        if (question.Mechanism == AnswerMechanism.PrivateDecoding && !able.Logits)
        {
            return PlanOutcome.Refused(
                "privacy.mechanism",
                $"Private decoding needs token log-probabilities, and the engine behind this node ({able.Model}) gives none: ask with privacy.choices, or have the model served by vLLM, llama.cpp or the embedded engine.");
        }

        if (question is { Mechanism: AnswerMechanism.PrivateDecoding, LogitBias.Count: > 0 } && able.MinimumLogitCoverage < int.MaxValue)
        {
            return PlanOutcome.Refused("logit_bias", $"The engine behind this node ({able.Model}) gives its likeliest tokens only: there is nothing to bias the others against.");
        }

        if (question.AnswerSchema is not null && !able.Forms)
        {
            return PlanOutcome.Refused("response_format", $"The engine behind this node ({able.Model}) does not keep answers to a form: leave it out, and check the answer.");
        }

        // A choice fits any engine: its question is cut for reading, and weighed whole.
        if (question.Mechanism == AnswerMechanism.Choice || able.ContextTokens == 0)
        {
            return null;
        }

        var room = able.ContextTokens - question.MaxTokens - engine.CountTokens(question.Messages);
        return room >= 0 ? null : PlanOutcome.Refused("messages", $"The messages and max_tokens are {-room} tokens longer than the model's context of {able.ContextTokens}.");
    }

    private static void RequireNoise(AnswerPlan plan, NoisePlace noise)
    {
        if (plan.Noise != noise)
        {
            throw new ArgumentException($"The plan's noise is drawn by the {plan.Noise}.", nameof(plan));
        }
    }

    private static void RequireMechanism(AnswerPlan plan, AnswerMechanism mechanism)
    {
        if (plan.Question.Mechanism != mechanism)
        {
            throw new ArgumentException($"The plan is no {mechanism}.", nameof(plan));
        }
    }
}
