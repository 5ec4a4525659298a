using FederatedDpLlm.Cli.Demo;
using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Sampling;

namespace FederatedDpLlm.Cli.Evaluation;

/// <summary>
/// How often a federation over real records answers a known question rightly: by one hospital that draws its own noise (the mean over the hospitals), and by the
/// router over all hospitals' votes. Votes come from the voters that a node runs, answers from the mechanism that a node charges for.
/// </summary>
internal sealed class SectionEvaluation(IInferenceEngine engine, IReadOnlyList<PatientRecord> records, int hospitals, int shards, IReadOnlyList<string> choices)
{
    private const int DrawsPerVote = 40;
    private const string Ask = "Which section of the medical note is this conversation about?\n\n";

    // A split that repeats from run to run; a node's own key is secret and another one.
    private static readonly byte[] ShardKey = System.Security.Cryptography.SHA256.HashData("fedllm eval: patients over shards"u8);
    private readonly RouterNoise _noise = new(new SecureRandom());
    private readonly List<PrivateAnswering> _hospitals =
    [
        .. records.ToLookup(record => DemoRecords.HospitalOf(record.PatientId, hospitals)).OrderBy(part => part.Key)
            .Select(part => new PrivateAnswering(engine, new ShardedRecords([.. part], ShardKey, shards), new SecureRandom())),
    ];

    /// <param name="questions">With their right answers.</param>
    /// <param name="epsilons">Per answer.</param>
    /// <param name="progress">Told after each question how many are done.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    public async Task<IReadOnlyList<SectionAccuracy>> RunAsync(
        IReadOnlyList<SectionQuestion> questions, IReadOnlyList<double> epsilons, Action<int> progress, CancellationToken cancellationToken)
    {
        var settings = epsilons.Select(epsilon => (double?)epsilon).Append(null).ToList();
        var right = new double[2, settings.Count];
        foreach (var (done, question) in questions.Index())
        {
            var votes = await VotesAsync(question, cancellationToken);
            for (var i = 0; i < settings.Count; i++)
            {
                right[0, i] += votes.Average(vote => Share(question, [vote], settings[i]));
                right[1, i] += Share(question, votes, settings[i]);
            }

            progress(done + 1);
        }

        return [.. settings.SelectMany((epsilon, i) => new[] { new SectionAccuracy("node", epsilon, right[0, i] / questions.Count), new SectionAccuracy("router", epsilon, right[1, i] / questions.Count) })
            .OrderBy(result => result.Trust, StringComparer.Ordinal)];
    }

    private async Task<List<VoteCounts>> VotesAsync(SectionQuestion question, CancellationToken cancellationToken)
    {
        var votes = new List<VoteCounts>();
        foreach (var hospital in _hospitals)
        {
            votes.Add(await hospital.VoteAsync(hospital.PlanForRouter(ToQuestion(question, 1), shards * _hospitals.Count).Plan!, cancellationToken));
        }

        return votes;
    }

    // The share of right answers over draws of the noise; without privacy (null) the plain winner, ties shared out evenly.
    private double Share(SectionQuestion question, IReadOnlyList<VoteCounts> votes, double? epsilon)
    {
        var answer = choices.Index().First(choice => choice.Item == question.Answer).Index;
        if (epsilon is not { } asked)
        {
            var totals = choices.Select((_, option) => votes.Sum(vote => vote.Counts[option])).ToList();
            return totals[answer] == totals.Max() ? 1.0 / totals.Count(total => total == totals.Max()) : 0;
        }

        var plan = _noise.Plan(ToQuestion(question, asked), votes.Sum(vote => vote.Voters)).Plan!;
        return Enumerable.Range(0, DrawsPerVote).Count(_ => _noise.Choose(plan, votes) == answer) / (double)DrawsPerVote;
    }

    private Question ToQuestion(SectionQuestion question, double epsilon) =>
        new() { Messages = [new ChatMessage("user", Ask + question.Text)], Mechanism = AnswerMechanism.Choice, Choices = choices, Epsilon = new Epsilon(epsilon) };
}
