using FederatedDpLlm.Models.Kernels;
using FederatedDpLlm.Models.KvCache;
using FederatedDpLlm.Models.Threads;

namespace FederatedDpLlm.Models.Llama;

/// <summary>
/// The forward pass, for inference and training alike: tokens of any number of sequences as the rows of one batch. A row's result does not depend on which
/// rows share the pass, nor on the threads: everything but attention is row by row, and attention reads the row's own sequence.
/// </summary>
internal static unsafe class LlamaForward
{
    private const int FewestRowsPerThread = 8;

    /// <summary>Appends the chunks to their sequences and computes the wanted logits into the workspace, in the order of the chunks and their tokens.</summary>
    /// <returns>The number of rows of logits.</returns>
    public static int Run(LlamaWeights weights, IReadOnlyList<SequenceChunk> chunks, ForwardWorkspace workspace)
    {
        var shape = weights.Shape;
        var (rows, wanted) = LayOut(shape, chunks, workspace);
        weights.Edges.Embed(workspace.RowToken.AsSpan(0, rows), workspace.Layers[0].Input.Span);
        for (var layer = 0; layer < shape.Layers; layer++)
        {
            var (parts, keep, cache) = (weights.Layers[layer], workspace.Layers[layer], layer);
            var next = layer + 1 < shape.Layers ? workspace.Layers[layer + 1].Input : workspace.Output;
            ByRows(workspace, rows, (first, end, _) => ProjectQueryKeyValue(shape, parts.Attention, weights.Rotary, cache, chunks, workspace, keep, first, end));
            ByRows(workspace, rows, (first, end, thread) =>
            {
                Attend(shape, parts.Attention, cache, chunks, workspace, keep, first, end, thread);
                AddProjected(shape, workspace, keep.Input, keep.Middle, first, end);
                FeedForward(shape, parts.FeedForward, cache, chunks, workspace, keep, first, end);
                AddProjected(shape, workspace, keep.Middle, next, first, end);
            });
        }

        workspace.EnsureLogits(wanted * shape.Vocabulary);
        ByRows(workspace, wanted, (first, end, _) => ProjectLogits(weights, workspace, first, end));
        GC.KeepAlive(weights);
        GC.KeepAlive(workspace);
        return wanted;
    }

    /// <summary>What the attention of one layer, or a shard's heads of it, adds to the stream in <c>keep.Input</c>: left in <see cref="ForwardWorkspace.Projected"/>.</summary>
    public static void AttentionPart(
        ModelConfiguration shape, AttentionWeights weights, RotaryTable rotary, int cache, IReadOnlyList<SequenceChunk> chunks, ForwardWorkspace workspace, int rows)
    {
        var keep = workspace.Layers[0];
        ByRows(workspace, rows, (first, end, _) => ProjectQueryKeyValue(shape, weights, rotary, cache, chunks, workspace, keep, first, end));
        ByRows(workspace, rows, (first, end, thread) => Attend(shape, weights, cache, chunks, workspace, keep, first, end, thread));
        GC.KeepAlive(workspace);
    }

    /// <summary>What the feed-forward part of one layer, or a shard's slices of it, adds to the stream in <c>keep.Middle</c>: left in <see cref="ForwardWorkspace.Projected"/>.</summary>
    public static void FeedForwardPart(ModelConfiguration shape, FeedForwardWeights weights, ForwardWorkspace workspace, int rows)
    {
        ByRows(workspace, rows, (first, end, _) => FeedForward(shape, weights, 0, [], workspace, workspace.Layers[0], first, end));
        GC.KeepAlive(workspace);
    }

    /// <summary>Makes room for the chunks' tokens in their sequences and notes each row's place.</summary>
    public static (int Rows, int Wanted) LayOut(ModelConfiguration shape, IReadOnlyList<SequenceChunk> chunks, ForwardWorkspace workspace)
    {
        var (row, wanted) = (0, 0);
        workspace.HasAdapters = false;
        for (var index = 0; index < chunks.Count; index++)
        {
            var chunk = chunks[index];
            var position = chunk.Sequence.Length;
            if (position + chunk.Tokens.Length > shape.Context)
            {
                throw new ContextOverflowException(shape.Context);
            }

            workspace.HasAdapters |= chunk.Sequence.Adapter is not null;
            chunk.Sequence.Extend(chunk.Tokens.Length);
            var tokens = chunk.Tokens.Span;
            for (var i = 0; i < tokens.Length; i++, row++)
            {
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)tokens[i], (uint)shape.Vocabulary, nameof(chunks));
                (workspace.RowChunk[row], workspace.RowPosition[row], workspace.RowToken[row]) = (index, position + i, tokens[i]);
                if (chunk.Logits == LogitsWanted.All || (chunk.Logits == LogitsWanted.Last && i == tokens.Length - 1))
                {
                    workspace.LogitRow[wanted++] = row;
                }
            }
        }

        return (row, wanted);
    }

    private static void ProjectQueryKeyValue(
        ModelConfiguration shape, AttentionWeights layer, RotaryTable rotary, int cache, IReadOnlyList<SequenceChunk> chunks, ForwardWorkspace workspace, LayerActivations keep,
        int first, int end)
    {
        unchecked
        {
            var (width, queryWidth, keyValueWidth, rows) = (shape.Width, shape.QueryWidth, shape.KeyValueWidth, end - first);
            var normed = keep.AttentionInput.Pointer + first * width;
            for (var row = first; row < end; row++)
            {
                RmsNorm.Forward(keep.Input.Pointer + row * width, layer.Norm.Pointer, keep.AttentionInput.Pointer + row * width, width, (float)shape.NormEpsilon);
            }

            ProductJob.Run(
                workspace.ProductThreads, rows, normed, width,
                (layer.Query, (nint)(keep.Query.Pointer + first * queryWidth)),
                (layer.Key, (nint)(keep.Key.Pointer + first * keyValueWidth)),
                (layer.Value, (nint)(keep.Value.Pointer + first * keyValueWidth)));
            Adapt(chunks, workspace, cache, AdaptedMatrix.Query, first, end, normed, keep.Query.Pointer + first * queryWidth);
            Adapt(chunks, workspace, cache, AdaptedMatrix.Key, first, end, normed, keep.Key.Pointer + first * keyValueWidth);
            Adapt(chunks, workspace, cache, AdaptedMatrix.Value, first, end, normed, keep.Value.Pointer + first * keyValueWidth);
            for (var row = first; row < end; row++)
            {
                var query = keep.Query.Pointer + row * queryWidth;
                var key = keep.Key.Pointer + row * keyValueWidth;
                var value = keep.Value.Pointer + row * keyValueWidth;
                AddBias(layer.QueryBias, query);
                AddBias(layer.KeyBias, key);
                AddBias(layer.ValueBias, value);
                NormHeads(layer.QueryNorm, query, shape.Heads, shape, keep.QueryBeforeNorm, row);
                NormHeads(layer.KeyNorm, key, shape.KeyValueHeads, shape, keep.KeyBeforeNorm, row);
                rotary.Rotate(query, shape.Heads, workspace.RowPosition[row]);
                rotary.Rotate(key, shape.KeyValueHeads, workspace.RowPosition[row]);
                Remember(chunks[workspace.RowChunk[row]].Sequence, cache, shape, workspace.RowPosition[row], key, value);
            }
        }
    }

    private static void AddBias(FloatBuffer? bias, float* row)
    {
        if (bias is not null)
        {
            Elementwise.Add(row, bias.Pointer, bias.Length);
        }
    }

    private static void NormHeads(FloatBuffer? gain, float* heads, int count, ModelConfiguration shape, FloatBuffer? before, int row)
    {
        if (before is not null)
        {
            var width = count * shape.HeadSize;
            new ReadOnlySpan<float>(heads, width).CopyTo(before.Span.Slice(row * width, width));
        }

        for (var head = 0; gain is not null && head < count; head++)
        {
            RmsNorm.Forward(heads + head * shape.HeadSize, gain.Pointer, heads + head * shape.HeadSize, shape.HeadSize, (float)shape.NormEpsilon);
        }
    }

    private static void Remember(KvSequence sequence, int layer, ModelConfiguration shape, int position, float* key, float* value)
    {
        unchecked
        {
            var block = sequence.Block(position / KvLayout.BlockPositions);
            var place = position % KvLayout.BlockPositions;
            for (var head = 0; head < shape.KeyValueHeads; head++)
            {
                var keys = block + sequence.Layout.KeyOffset(layer, head) + place;
                var values = block + sequence.Layout.ValueOffset(layer, head) + place * sequence.Layout.ValueStride;
                for (var i = 0; i < shape.HeadSize; i++)
                {
                    keys[i * KvLayout.BlockPositions] = key[head * shape.HeadSize + i];
                    values[i] = value[head * shape.HeadSize + i];
                }
            }
        }
    }

    private static void Attend(
        ModelConfiguration shape, AttentionWeights layer, int cache, IReadOnlyList<SequenceChunk> chunks, ForwardWorkspace workspace, LayerActivations keep,
        int first, int end, int thread)
    {
        for (var row = first; row < end;)
        {
            var count = 1;
            while (count < AttentionKernel.QueriesTogether && row + count < end && workspace.RowChunk[row + count] == workspace.RowChunk[row])
            {
                count++;
            }

            AttendTogether(shape, cache, chunks[workspace.RowChunk[row]].Sequence, workspace, keep, row, count, workspace.Scratch(thread));
            row += count;
        }

        unchecked
        {
            ProductJob.Run(
                workspace.ProductThreads, end - first, keep.Attended.Pointer + first * shape.QueryWidth, shape.QueryWidth,
                (layer.Output, (nint)(workspace.Projected.Pointer + first * shape.Width)));
            Adapt(chunks, workspace, cache, AdaptedMatrix.Output, first, end, keep.Attended.Pointer + first * shape.QueryWidth, workspace.Projected.Pointer + first * shape.Width);
        }
    }

    private static void AttendTogether(
        ModelConfiguration shape, int layer, KvSequence sequence, ForwardWorkspace workspace, LayerActivations keep, int row, int count, FloatBuffer scratch)
    {
        // Positions of one head are queries of the same keys, and so are the heads that share them: of several positions the former are taken together, of one the latter.
        var sharing = shape.Heads / shape.KeyValueHeads;
        var together = count > 1 ? 1 : Math.Min(sharing, AttentionKernel.QueriesTogether);
        for (int head = 0, heads; head < shape.Heads; head += heads)
        {
            heads = Math.Min(together, sharing - head % sharing);
            AttendHeads(shape, layer, sequence, workspace, keep, row, count, head, heads, scratch);
        }
    }

    private static void AttendHeads(
        ModelConfiguration shape, int layer, KvSequence sequence, ForwardWorkspace workspace, LayerActivations keep, int row, int count, int head, int heads, FloatBuffer scratch)
    {
        unchecked
        {
            var (headSize, layout, shared) = (shape.HeadSize, sequence.Layout, head / (shape.Heads / shape.KeyValueHeads));
            var (queries, step, positionStep) = heads > 1 ? (heads, headSize, 0) : (count, shape.QueryWidth, 1);
            var (place, position) = (row * shape.QueryWidth + head * headSize, workspace.RowPosition[row]);
            var attention = scratch.Pointer;
            var outputs = attention + AttentionKernel.QueriesTogether * workspace.WeightRow;
            AttentionKernel.Weights(sequence, layout.KeyOffset(layer, shared), keep.Query.Pointer + place, step, queries, position, positionStep, attention, workspace.WeightRow);
            AttentionKernel.WeightedValues(sequence, layout.ValueOffset(layer, shared), attention, workspace.WeightRow, queries, position + count, outputs);
            for (var i = 0; i < queries; i++)
            {
                new ReadOnlySpan<float>(outputs + i * layout.ValueStride, headSize).CopyTo(new Span<float>(keep.Attended.Pointer + place + i * step, headSize));
            }
        }
    }

    private static void FeedForward(
        ModelConfiguration shape, FeedForwardWeights layer, int cache, IReadOnlyList<SequenceChunk> chunks, ForwardWorkspace workspace, LayerActivations keep, int first, int end)
    {
        unchecked
        {
            var (width, inner, rows) = (shape.Width, shape.FeedForwardWidth, end - first);
            for (var row = first; row < end; row++)
            {
                RmsNorm.Forward(keep.Middle.Pointer + row * width, layer.Norm.Pointer, keep.FeedForwardInput.Pointer + row * width, width, (float)shape.NormEpsilon);
            }

            var normed = keep.FeedForwardInput.Pointer + first * width;
            var gate = keep.Gate.Pointer + first * inner;
            var up = keep.Up.Pointer + first * inner;
            var hidden = keep.Hidden.Pointer + first * inner;
            ProductJob.Run(workspace.ProductThreads, rows, normed, width, (layer.Gate, (nint)gate), (layer.Up, (nint)up));
            Adapt(chunks, workspace, cache, AdaptedMatrix.Gate, first, end, normed, gate);
            Adapt(chunks, workspace, cache, AdaptedMatrix.Up, first, end, normed, up);
            Elementwise.SwiGlu(gate, up, hidden, rows * inner);
            ProductJob.Run(workspace.ProductThreads, rows, hidden, inner, (layer.Down, (nint)(workspace.Projected.Pointer + first * width)));
            Adapt(chunks, workspace, cache, AdaptedMatrix.Down, first, end, hidden, workspace.Projected.Pointer + first * width);
        }
    }

    // Each row with its own sequence's adapter; what the others are does not show in its bits.
    private static void Adapt(
        IReadOnlyList<SequenceChunk> chunks, ForwardWorkspace workspace, int layer, AdaptedMatrix matrix, int first, int end, float* inputs, float* outputs)
    {
        for (var row = first; workspace.HasAdapters && row < end;)
        {
            var (adapter, next) = (AdapterOf(row), row + 1);
            while (next < end && AdapterOf(next) == adapter)
            {
                next++;
            }

            adapter?.Factors(layer, matrix)?.Add(next - row, row - first, inputs, outputs);
            row = next;
        }

        ModelAdapter? AdapterOf(int row) => chunks[workspace.RowChunk[row]].Sequence.Adapter;
    }

    private static void AddProjected(ModelConfiguration shape, ForwardWorkspace workspace, FloatBuffer stream, FloatBuffer result, int first, int end)
    {
        unchecked
        {
            var place = first * shape.Width;
            Sum(stream.Pointer + place, workspace.Projected.Pointer + place, result.Pointer + place, (end - first) * shape.Width);
        }
    }

    private static void Sum(float* a, float* b, float* result, int length)
    {
        if (result != a)
        {
            new ReadOnlySpan<float>(a, length).CopyTo(new Span<float>(result, length));
        }

        Elementwise.Add(result, b, length);
    }

    private static void ProjectLogits(LlamaWeights weights, ForwardWorkspace workspace, int first, int end)
    {
        unchecked
        {
            weights.Edges.Project(
                workspace.Output.Pointer, workspace.LogitRow.AsSpan(first, end - first), workspace.FinalInput.Pointer + first * weights.Shape.Width,
                workspace.Logits.Pointer + (nint)first * weights.Shape.Vocabulary, workspace.ProductThreads);
        }
    }

    // Many rows are shared among threads; of a few rows each product is. Both by the process's team where it is free: it is awake between two jobs of a pass.
    private static void ByRows(ForwardWorkspace workspace, int rows, Action<int, int, int> work)
    {
        var threads = Math.Min(workspace.Threads, rows / FewestRowsPerThread);
        var held = workspace.Threads > 1 && WorkTeam.Shared.TryHold();
        workspace.ProductThreads = held && threads <= 1 ? workspace.Threads : 1;
        try
        {
            if (threads <= 1)
            {
                work(0, rows, 0);
            }
            else if (held)
            {
                RowJob.Run(threads, rows, work);
            }
            else
            {
                Parallel.For(0, threads, thread => work((int)((long)rows * thread / threads), (int)((long)rows * (thread + 1) / threads), thread));
            }
        }
        finally
        {
            workspace.ProductThreads = 1;
            if (held)
            {
                WorkTeam.Shared.Release();
            }
        }
    }
}
