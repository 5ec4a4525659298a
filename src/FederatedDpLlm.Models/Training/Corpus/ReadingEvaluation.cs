using FederatedDpLlm.Models.Prompts;

namespace FederatedDpLlm.Models.Training.Corpus;

/// <summary>How often a model picks the right one of four options, by the likelihood of the option's text after notes and question.</summary>
public static class ReadingEvaluation
{
    /// <summary>The seed of the held-out clinic: no lesson is drawn from it.</summary>
    public const ulong HeldOutSeed = 77_000_001;

    /// <summary>The model's choice.</summary>
    public static int Choose(LanguageModel model, ChoiceQuestion question, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(question);
        var context = model.Template.Encode([new PromptTurn("user", question.Question)], question.Records, model.Configuration.Context - 64);
        using var batch = model.OpenBatch([context], cancellationToken);
        var scores = batch.Score([.. question.Options.Select(model.Template.EncodeAnswer)], cancellationToken)[0];
        return Enumerable.Range(0, scores.Count).MaxBy(option => scores[option]);
    }

    /// <summary>The share of right choices on held-out questions.</summary>
    /// <param name="model">Any model.</param>
    /// <param name="questions">How many.</param>
    /// <param name="records">Notes in the context of each.</param>
    /// <param name="cancellationToken">Ends the work between two passes.</param>
    public static double Accuracy(LanguageModel model, int questions, int records, CancellationToken cancellationToken)
    {
        var corpus = new ClinicalCorpus(HeldOutSeed);
        var right = Enumerable.Range(0, questions).Select(number => corpus.Question(number, records)).Count(question => Choose(model, question, cancellationToken) == question.Answer);
        return (double)right / questions;
    }
}
