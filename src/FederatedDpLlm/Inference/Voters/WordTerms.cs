namespace FederatedDpLlm.Inference.Voters;

/// <summary>A text as the lower-case words and numbers in it: a fixed, public rule, the same for every shard.</summary>
internal static class WordTerms
{
    private const int MaxTermCharacters = 64;

    public static List<string> Of(string text)
    {
        var terms = new List<string>();
        for (var start = 0; start < text.Length;)
        {
            var end = start;
            while (end < text.Length && char.IsLetterOrDigit(text[end]) && end - start < MaxTermCharacters)
            {
                end++;
            }

            if (end > start)
            {
                terms.Add(text[start..end].ToLowerInvariant());
            }

            start = Math.Max(end, start + 1);
        }

        return terms;
    }
}
