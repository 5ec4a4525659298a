using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Records;
using FederatedDpLlm.Inference.Voters;
using FederatedDpLlm.Privacy;
using FederatedDpLlm.Privacy.Sampling;
using FederatedDpLlm.Tests.Inference.Engines;

namespace FederatedDpLlm.Tests.Inference;

/// <summary>Hospitals and questions of these tests.</summary>
internal static class TestHospital
{
    public static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    public static PatientRecord Record(string patient, string text) => new(patient, text, null, []);

    public static PrivateAnswering Answering(IReadOnlyList<PatientRecord> records, int shards, IInferenceEngine? engine = null) =>
        new(engine ?? new CountingEngine(), new ShardedRecords(records, Key, shards), new SecureRandom());

    public static Question Ask(AnswerMechanism mechanism, double epsilon = 1) => new()
    {
        Messages = [new("user", "Which drug, a or b or c?")],
        Mechanism = mechanism,
        Choices = mechanism == AnswerMechanism.Choice ? ["aspirin", "bisoprolol", "codeine"] : [],
        Epsilon = new Epsilon(epsilon),
        Delta = new Delta(1e-6),
        MaxTokens = 8,
    };

    public static async Task<(string Text, AnswerCompletion? Completion)> ReadAsync(IAsyncEnumerable<AnswerPiece> pieces)
    {
        var text = "";
        AnswerCompletion? completion = null;
        await foreach (var piece in pieces)
        {
            Assert.Null(completion);
            text += (piece as AnswerPiece.Text)?.Value;
            completion = (piece as AnswerPiece.Completed)?.Completion;
        }

        return (text, completion);
    }
}
