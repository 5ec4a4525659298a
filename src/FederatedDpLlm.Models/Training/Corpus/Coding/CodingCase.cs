namespace FederatedDpLlm.Models.Training.Corpus.Coding;

/// <summary>An invented case and the note on it.</summary>
/// <param name="Features">What the note says: one to four phrases, each with its kind.</param>
/// <param name="KnownFor">The index of a second condition that the note names, or null.</param>
/// <param name="Recorded">The index of the code that was recorded; the truth but for the clerk's errors.</param>
/// <param name="Text">The note, in one of several styles and with misspellings.</param>
public sealed record CodingCase(IReadOnlyList<(CodingFeature Kind, string Phrase)> Features, int? KnownFor, int Recorded, string Text)
{
    /// <summary>The recorded code.</summary>
    public string Code => CodingWorld.Instance.Conditions[Recorded].Code;
}
