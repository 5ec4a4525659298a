using System.Buffers.Binary;
using System.Text;
using FederatedDpLlm.Models.Weights;

namespace FederatedDpLlm.Models.Tokenization;

/// <summary>
/// llama2.c's <c>tokenizer.bin</c>: an int with the longest token's length, then for each token a float score, an int length and its bytes; the number of
/// tokens is the model's. Reference: karpathy/llama2.c, tokenizer.py export and run.c build_tokenizer.
/// </summary>
internal static class Llama2TokenizerFile
{
    public static SentencePieceTokenizer Read(string path)
    {
        var bytes = File.ReadAllBytes(path).AsSpan();
        var tokens = new List<(string, double)>();
        if (bytes.Length < 4)
        {
            throw new ModelFormatException("The llama2.c tokenizer ends within its header.");
        }

        for (var at = 4; at < bytes.Length;)
        {
            if (bytes.Length - at < 8)
            {
                throw new ModelFormatException("The llama2.c tokenizer ends within a token.");
            }

            var score = BinaryPrimitives.ReadSingleLittleEndian(bytes[at..]);
            var length = BinaryPrimitives.ReadInt32LittleEndian(bytes[(at + 4)..]);
            at += 8;
            if (length < 0 || length > bytes.Length - at)
            {
                throw new ModelFormatException("A token of the llama2.c tokenizer is said to be longer than the file.");
            }

            tokens.Add((Encoding.UTF8.GetString(bytes.Slice(at, length)), score));
            at += length;
        }

        var control = new Dictionary<string, int> { ["<unk>"] = 0, ["<s>"] = 1, ["</s>"] = 2 };
        return new SentencePieceTokenizer(tokens, control, beginToken: 1, endTokens: [2]);
    }
}
