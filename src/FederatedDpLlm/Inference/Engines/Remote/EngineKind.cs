namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>The servers whose particulars are known, by what they speak.</summary>
public enum EngineKind
{
    /// <summary>Any server with the OpenAI API: chat, and whatever else it is found to offer.</summary>
    OpenAi,

    /// <summary>vLLM: OpenAI's API, token numbers, load from its metrics, LoRA adapters by name.</summary>
    Vllm,

    /// <summary>llama.cpp's server: OpenAI's chat, its own completions with token numbers, slots, scales of LoRA adapters.</summary>
    LlamaCpp,

    /// <summary>Ollama's own API.</summary>
    Ollama,
}
