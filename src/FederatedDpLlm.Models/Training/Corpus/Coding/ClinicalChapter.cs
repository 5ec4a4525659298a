namespace FederatedDpLlm.Models.Training.Corpus.Coding;

/// <summary>A chapter of codes that look alike: ten conditions, and the phrases that their notes draw from. Lists are written with bars between the items.</summary>
internal sealed record ClinicalChapter(string Conditions, string Complaints, string Signs, string Results, string Treatments)
{
    /// <summary>Name and ICD-10 code of each condition.</summary>
    public IReadOnlyList<(string Name, string Code)> Named { get; } =
        [.. Conditions.Split('|').Select(one => one.Split('=')).Select(parts => (parts[0], parts[1]))];

    /// <summary>The phrases of one kind of feature.</summary>
    public IReadOnlyList<string> Phrases(CodingFeature kind) => kind switch
    {
        CodingFeature.Complaint => Complaints.Split('|'),
        CodingFeature.Sign => Signs.Split('|'),
        CodingFeature.Result => Results.Split('|'),
        _ => Treatments.Split('|'),
    };
}
