using FederatedDpLlm.Models.Prompts;
using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Models.Training.Corpus;

/// <summary>Lessons as token sequences in the bundled model's template: answers count in full, the rest a little, so that notes can be written too.</summary>
internal sealed class LessonEncoder(ITokenizer tokenizer)
{
    private const float AnswerWeight = 1f;
    private const float TextWeight = 0.05f;

    public TrainingExample Encode(ReadingLesson lesson, int longest)
    {
        var tokens = new List<int>();
        var weights = new List<float>();
        void Add(IEnumerable<int> added, float weight)
        {
            tokens.AddRange(added);
            weights.AddRange(Enumerable.Repeat(weight, tokens.Count - weights.Count));
        }

        Add([Control(WardTemplate.Begin)], 0);
        foreach (var record in lesson.Records)
        {
            Add([Control(WardTemplate.Record), .. tokenizer.Encode(record)], TextWeight);
        }

        foreach (var (question, answer) in lesson.Exchanges)
        {
            Add([Control(WardTemplate.User), .. tokenizer.Encode(question), Control(WardTemplate.Assistant)], TextWeight);
            Add([.. tokenizer.Encode(" " + answer), Control(WardTemplate.End)], AnswerWeight);
        }

        return new TrainingExample([.. tokens.Take(longest)], [.. weights.Take(longest)]);
    }

    private int Control(string name) => tokenizer.ControlToken(name)!.Value;
}
