using FederatedDpLlm.Models.Prompts;

namespace FederatedDpLlm.Models.Training.Corpus.Coding;

/// <summary>How often the code that a model finds likeliest is the recorded code of a note that it has not seen, beside the best that anybody could do.</summary>
public static class CodingEvaluation
{
    private const int LongestCode = 12;

    /// <summary>The share of right codes, and the expected share of whoever knows the world and computes each note's posterior.</summary>
    /// <param name="model">Any model.</param>
    /// <param name="questions">How many held-out cases.</param>
    /// <param name="cancellationToken">Ends the work between two passes.</param>
    public static (double Accuracy, double BayesOptimal) Measure(LanguageModel model, int questions, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        var clinic = new CodingClinic(ReadingEvaluation.HeldOutSeed);
        var (right, best) = (0, 0.0);
        for (var number = 0; number < questions; number++)
        {
            var note = clinic.Case(number);
            right += Answer(model, note.Text, clinic.Question(number), cancellationToken) == note.Code ? 1 : 0;
            best += CodingWorld.Instance.Posterior(note).Max();
        }

        return ((double)right / questions, best / questions);
    }

    /// <summary>The likeliest of all codes as the answer.</summary>
    public static string Answer(LanguageModel model, string note, string question, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        var codes = CodingWorld.Instance.Conditions;
        var context = model.Template.Encode([new PromptTurn("user", question)], [note], model.Configuration.Context - LongestCode);
        using var batch = model.OpenBatch([context], cancellationToken);

        // A code cannot be likelier than its first token: once the likeliest beginnings are scored, most need not be.
        var options = codes.Select((condition, index) => (Index: index, Tokens: model.Template.EncodeAnswer(condition.Code))).GroupBy(option => option.Tokens[0])
            .Select(group => (Bound: LogLikelihood.Of(batch.Logits(0), group.Key), Codes: group.ToList())).OrderByDescending(group => group.Bound);
        var (likeliest, score) = (0, double.NegativeInfinity);
        foreach (var group in options.TakeWhile(group => group.Bound > score))
        {
            var scores = batch.Score([.. group.Codes.Select(option => option.Tokens)], cancellationToken)[0];
            for (var option = 0; option < scores.Count; option++)
            {
                (likeliest, score) = scores[option] > score ? (group.Codes[option].Index, scores[option]) : (likeliest, score);
            }
        }

        return codes[likeliest].Code;
    }
}
