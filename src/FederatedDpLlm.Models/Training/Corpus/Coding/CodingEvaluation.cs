using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Models.Training.Corpus.Coding;

/// <summary>How often a model writes the recorded code of a note that it has not seen, beside the best that anybody could.</summary>
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

    /// <summary>The model's greedy answer.</summary>
    public static string Answer(LanguageModel model, string note, string question, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        var context = model.Template.Encode([new PromptTurn("user", question)], [note], model.Configuration.Context - LongestCode);
        using var batch = model.OpenBatch([context], cancellationToken);
        var answer = new List<int>();
        for (var token = Likeliest(batch); !model.Template.EndTokens.Contains(token) && answer.Count < LongestCode; token = Likeliest(batch))
        {
            answer.Add(token);
            batch.Append(token, cancellationToken);
        }

        return StreamingTextDecoder.Decode(model.Tokenizer, answer).Trim();
    }

    private static int Likeliest(DecodingBatch batch)
    {
        var logits = batch.Logits(0);
        var best = 0;
        for (var token = 1; token < logits.Length; token++)
        {
            best = logits[token] > logits[best] ? token : best;
        }

        return best;
    }
}
