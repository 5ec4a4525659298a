using System.Runtime.InteropServices;
using System.Text;

namespace FederatedDpLlm.Tests.Judge;

/// <summary>
/// A real llama.cpp (the prebuilt CPU library of the npm package node-llama-cpp 3.22.1, llama.cpp v0.5.0) with one model, called through its C interface.
/// Reference: ggml-org/llama.cpp, include/llama.h of that version. One thread at a time.
/// </summary>
internal sealed unsafe class LlamaCpp : IDisposable
{
    private static readonly Lock Gate = new();
    private static nint _library;
    private readonly nint _model;
    private readonly nint _context;
    private readonly nint _vocabulary;

    private LlamaCpp(nint model, nint context)
    {
        (_model, _context) = (model, context);
        _vocabulary = ((delegate* unmanaged<nint, nint>)Function("llama_model_get_vocab"))(model);
        Vocabulary = ((delegate* unmanaged<nint, int>)Function("llama_vocab_n_tokens"))(_vocabulary);
    }

    public int Vocabulary { get; }

    /// <summary>The longest context that the model was trained on.</summary>
    public int TrainedContext => ((delegate* unmanaged<nint, int>)Function("llama_model_n_ctx_train"))(_model);

    /// <summary>The folder of the library in a checkout; null where npm did not put it there.</summary>
    public static string? FolderIn(string checkout)
    {
        var folder = Path.Combine(checkout, "tests", "Judge", "node_modules", "@node-llama-cpp", "linux-x64", "bins", "linux-x64");
        return Directory.Exists(folder) && RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64 && OperatingSystem.IsLinux() ? folder : null;
    }

    /// <param name="folder">From <see cref="FolderIn"/>.</param>
    /// <param name="path">A GGUF file.</param>
    /// <param name="threads">For decoding and prefill.</param>
    /// <param name="context">Longest sequence in tokens.</param>
    /// <param name="floatCache">Keys and values as floats; its own default keeps them as binary16.</param>
    public static LlamaCpp Load(string folder, string path, int threads, int context, bool floatCache = false)
    {
        Initialize(folder);
        var modelParameters = ((delegate* unmanaged<ModelParameters>)Function("llama_model_default_params"))();
        var model = WithText(path, text => ((delegate* unmanaged<byte*, ModelParameters, nint>)Function("llama_model_load_from_file"))((byte*)text, modelParameters));
        if (model == 0)
        {
            throw new InvalidDataException($"llama.cpp cannot load '{Path.GetFileName(path)}'.");
        }

        var parameters = ((delegate* unmanaged<ContextParameters>)Function("llama_context_default_params"))();
        (parameters.ContextTokens, parameters.BatchTokens, parameters.MicrobatchTokens) = ((uint)context, (uint)Math.Min(context, 2048), 512);
        (parameters.Threads, parameters.ThreadsOfBatch) = (threads, threads);
        if (floatCache)
        {
            (parameters.KeyType, parameters.ValueType, parameters.FlashAttention) = (0, 0, 0);
        }

        var opened = ((delegate* unmanaged<nint, ContextParameters, nint>)Function("llama_init_from_model"))(model, parameters);
        return opened == 0 ? throw new InvalidDataException("llama.cpp cannot open a context.") : new LlamaCpp(model, opened);
    }

    /// <summary>Writes a model with weights of another type, as its program <c>llama-quantize --allow-requantize</c> does.</summary>
    /// <param name="folder">From <see cref="FolderIn"/>.</param>
    /// <param name="from">A GGUF file.</param>
    /// <param name="to">The file to write.</param>
    /// <param name="type">Of <c>llama_ftype</c>.</param>
    public static void Quantize(string folder, string from, string to, int type)
    {
        Initialize(folder);
        var parameters = ((delegate* unmanaged<QuantizeParameters>)Function("llama_model_quantize_default_params"))();
        (parameters.Threads, parameters.Type, parameters.Requantize) = (1, type, 1);
        var given = (nint)(&parameters);
        var code = WithText(from, source => WithText(to, target =>
            (nint)((delegate* unmanaged<byte*, byte*, nint, uint>)Function("llama_model_quantize"))((byte*)source, (byte*)target, given)));
        if (code != 0)
        {
            throw new InvalidDataException($"llama.cpp cannot quantise '{Path.GetFileName(from)}'.");
        }
    }

    /// <summary>Appends tokens to the one sequence and computes the logits after the last, or after each.</summary>
    public void Decode(ReadOnlySpan<int> tokens, bool everyLogits = false)
    {
        var wanted = new sbyte[tokens.Length];
        Array.Fill(wanted, (sbyte)(everyLogits ? 1 : 0));
        wanted[^1] = 1;
        fixed (int* token = tokens)
        fixed (sbyte* logits = wanted)
        {
            var batch = new Batch { Count = tokens.Length, Tokens = token, Logits = logits };
            var code = ((delegate* unmanaged<nint, Batch, int>)Function("llama_decode"))(_context, batch);
            if (code != 0)
            {
                throw new InvalidOperationException($"llama_decode returned {code}.");
            }
        }
    }

    /// <summary>The logits after token <paramref name="index"/> of the last call; -1 for the last.</summary>
    public ReadOnlySpan<float> Logits(int index = -1) => new(((delegate* unmanaged<nint, int, float*>)Function("llama_get_logits_ith"))(_context, index), Vocabulary);

    /// <summary>Applies a LoRA adapter in a GGUF file.</summary>
    public void Adapt(string path)
    {
        var adapter = WithText(path, text => ((delegate* unmanaged<nint, byte*, nint>)Function("llama_adapter_lora_init"))(_model, (byte*)text));
        var scale = 1f;
        if (adapter == 0 || ((delegate* unmanaged<nint, nint*, nuint, float*, int>)Function("llama_set_adapters_lora"))(_context, &adapter, 1, &scale) != 0)
        {
            throw new InvalidDataException($"llama.cpp cannot load the adapter '{Path.GetFileName(path)}'.");
        }
    }

    /// <summary>Forgets the sequence.</summary>
    public void Clear()
    {
        var memory = ((delegate* unmanaged<nint, nint>)Function("llama_get_memory"))(_context);
        ((delegate* unmanaged<nint, byte, void>)Function("llama_memory_clear"))(memory, 1);
    }

    /// <param name="text">What to read.</param>
    /// <param name="begin">Whether the model's first token, where it wants one, comes first.</param>
    /// <param name="control">Whether what is written as a control token is one.</param>
    public int[] Tokenize(string text, bool begin = false, bool control = false)
    {
        var bytes = Encoding.UTF8.GetBytes(text + "\0");
        var tokens = new int[bytes.Length + 8];
        fixed (byte* from = bytes)
        fixed (int* to = tokens)
        {
            var count = ((delegate* unmanaged<nint, byte*, int, int*, int, byte, byte, int>)Function("llama_tokenize"))(
                _vocabulary, from, bytes.Length - 1, to, tokens.Length, (byte)(begin ? 1 : 0), (byte)(control ? 1 : 0));
            return tokens[..count];
        }
    }

    /// <summary>The bytes of a token; none for a control token.</summary>
    public byte[] PieceOf(int token)
    {
        var piece = new byte[512];
        fixed (byte* to = piece)
        {
            var count = ((delegate* unmanaged<nint, int, byte*, int, int, byte, int>)Function("llama_token_to_piece"))(_vocabulary, token, to, piece.Length, 0, 0);
            return piece[..Math.Max(0, count)];
        }
    }

    public bool IsEnd(int token) => ((delegate* unmanaged<nint, int, byte>)Function("llama_vocab_is_eog"))(_vocabulary, token) != 0;

    public void Dispose()
    {
        ((delegate* unmanaged<nint, void>)Function("llama_free"))(_context);
        ((delegate* unmanaged<nint, void>)Function("llama_model_free"))(_model);
    }

    private static void Initialize(string folder)
    {
        lock (Gate)
        {
            if (_library != 0)
            {
                return;
            }

            var ggml = NativeLibrary.Load(Path.Combine(folder, "libggml.v0.5.0.so"));
            _library = NativeLibrary.Load(Path.Combine(folder, "libllama.v0.5.0.so"));
            ((delegate* unmanaged<nint, nint, void>)Function("llama_log_set"))((nint)(delegate* unmanaged<int, byte*, nint, void>)&Silent, 0);

            // Of the libraries in the folder it takes the best that this processor can run.
            WithText(folder, text =>
            {
                ((delegate* unmanaged<byte*, void>)NativeLibrary.GetExport(ggml, "ggml_backend_load_all_from_path"))((byte*)text);
                return 0;
            });
            ((delegate* unmanaged<void>)Function("llama_backend_init"))();
        }
    }

    [UnmanagedCallersOnly]
    private static void Silent(int level, byte* text, nint data)
    {
    }

    private static nint Function(string name) => NativeLibrary.GetExport(_library, name);

    private static nint WithText(string text, Func<nint, nint> call)
    {
        var native = Marshal.StringToCoTaskMemUTF8(text);
        try
        {
            return call(native);
        }
        finally
        {
            Marshal.FreeCoTaskMem(native);
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ModelParameters
    {
        public nint Devices, BufferOverrides;
        public int GpuLayers, SplitMode, LoadMode, LazyMode, MainGpu;
        public nint TensorSplit, Progress, ProgressData, Overrides;
        public byte VocabularyOnly, CheckTensors, UseExtraBuffers, NoHost, NoAllocation, LoadMtp;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ContextParameters
    {
        public uint ContextTokens, BatchTokens, MicrobatchTokens, Sequences, Snapshots, MostOutputs, MostOutputsOfSequence;
        public int Threads, ThreadsOfBatch;
        public int ContextType, RotaryScaling, Pooling, Attention, FlashAttention;
        public float RotaryBase, RotaryScale, YarnExtension, YarnAttention, YarnFast, YarnSlow;
        public uint YarnContext;
        public float Defragmentation;
        public nint Evaluated, EvaluatedData;
        public int KeyType, ValueType;
        public nint Abort, AbortData;
        public byte Embeddings, Offload, NoTimings, OperationOffload, FullWindow, Unified;
        public nint Samplers, SamplerCount, Other;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct QuantizeParameters
    {
        public int Threads, Type, OutputType, EmbeddingType;
        public byte Requantize, QuantizeOutput, OnlyCopy, Pure, KeepSplit, DryRun;
        public nint Importance, Overrides, TensorOverrides, Pruned;
        public nuint BufferBytes;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Batch
    {
        public int Count;
        public int* Tokens;
        public float* Embeddings;
        public int* Positions;
        public int* SequenceCounts;
        public int** Sequences;
        public sbyte* Logits;
    }
}
