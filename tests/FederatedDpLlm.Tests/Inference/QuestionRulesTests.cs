using FederatedDpLlm.Inference;
using FederatedDpLlm.Inference.Engines;
using FederatedDpLlm.Inference.Wire;
using FederatedDpLlm.Privacy;
using Google.Protobuf;

namespace FederatedDpLlm.Tests.Inference;

public sealed class QuestionRulesTests
{
    private static readonly Question Choice = TestHospital.Ask(AnswerMechanism.Choice);
    private static readonly Question Decoding = TestHospital.Ask(AnswerMechanism.PrivateDecoding);
    private static readonly Question Public = TestHospital.Ask(AnswerMechanism.Public);

    public static TheoryData<string, string> Refused => new(Cases.Select(pair => (pair.Key, pair.Value.Parameter)));

    private static Dictionary<string, (Question Question, string Parameter)> Cases { get; } = new(StringComparer.Ordinal)
    {
        ["no message"] = (Choice with { Messages = [] }, "messages"),
        ["last word by the assistant"] = (Choice with { Messages = [new("assistant", "x")] }, "messages"),
        ["unknown role"] = (Choice with { Messages = [new("tool", "x"), new("user", "x")] }, "messages"),
        ["empty messages"] = (Choice with { Messages = [new("user", "")] }, "messages"),
        ["one option"] = (Choice with { Choices = ["a"] }, "privacy.choices"),
        ["too many options"] = (Choice with { Choices = [.. Enumerable.Range(0, 65).Select(i => $"o{i}")] }, "privacy.choices"),
        ["options alike"] = (Choice with { Choices = ["a", "a "] }, "privacy.choices"),
        ["a blank option"] = (Choice with { Choices = ["a", " "] }, "privacy.choices"),
        ["options without a choice"] = (Decoding with { Choices = ["a", "b"] }, "privacy.choices"),
        ["no answer"] = (Choice with { Answers = 0 }, "n"),
        ["too many answers"] = (Decoding with { Answers = 17 }, "n"),
        ["no token"] = (Decoding with { MaxTokens = 0 }, "max_tokens"),
        ["too many tokens"] = (Decoding with { MaxTokens = 5000 }, "max_tokens"),
        ["temperature 0 in private decoding"] = (Decoding with { Temperature = 0 }, "temperature"),
        ["temperature 0 in a choice"] = (Choice with { Temperature = 0 }, "temperature"),
        ["temperature no number"] = (Public with { Temperature = double.NaN }, "temperature"),
        ["temperature too high"] = (Public with { Temperature = 3 }, "temperature"),
        ["top-p 0"] = (Decoding with { TopP = 0 }, "top_p"),
        ["top-k below 0"] = (Decoding with { TopK = -1 }, "top_k"),
        ["min-p 1"] = (Decoding with { MinP = 1 }, "min_p"),
        ["a seed"] = (Decoding with { Seed = 1 }, "seed"),
        ["log-probabilities"] = (Choice with { LogProbabilities = true }, "logprobs"),
        ["five stop texts"] = (Decoding with { Stop = ["a", "b", "c", "d", "e"] }, "stop"),
        ["an empty stop text"] = (Decoding with { Stop = [""] }, "stop"),
        ["a bias beyond 100"] = (Decoding with { LogitBias = new Dictionary<int, double> { [1] = 101 } }, "logit_bias"),
        ["a bias that is no number"] = (Decoding with { LogitBias = new Dictionary<int, double> { [1] = double.NaN } }, "logit_bias"),
        ["a penalty beyond 2"] = (Decoding with { PresencePenalty = 2.5 }, "presence_penalty"),
        ["a form of an answer with noise"] = (Decoding with { AnswerSchema = "{}" }, "response_format"),
        ["a schema that is no JSON"] = (Public with { AnswerSchema = "{" }, "response_format"),
        ["a schema that is not enforced"] = (Public with { AnswerSchema = """{"type":"string","pattern":"a"}""" }, "response_format"),
        ["a schema without end"] = (Public with { AnswerSchema = new string(' ', 70_000) }, "response_format"),
        ["a form longer than the answer"] = (Public with { AnswerSchema = """{"const":"four"}""", MaxTokens = 5 }, "max_tokens"),
        ["no epsilon"] = (Choice with { Epsilon = default }, "privacy.epsilon"),
        ["an absurd epsilon"] = (Choice with { Epsilon = new Epsilon(1000) }, "privacy.epsilon"),
        ["an epsilon too small for its tokens"] = (Decoding with { Epsilon = new Epsilon(1e-7), MaxTokens = 4096 }, "privacy.epsilon"),
        ["no delta"] = (Decoding with { Delta = default }, "privacy.delta"),
    };

    [Theory, MemberData(nameof(Refused))]
    public void A_question_out_of_bounds_is_refused_with_the_field_at_fault(string name, string parameter)
    {
        var refusal = TestHospital.Answering([], 4).Plan(Cases[name].Question).Refusal;
        Assert.Equal(parameter, refusal?.Parameter);
        Assert.NotEmpty(refusal!.Message);
    }

    [Fact]
    public void Questions_within_bounds_are_planned()
    {
        var answering = TestHospital.Answering([], 4);
        Assert.All([Choice, Decoding, Public, Public with { Temperature = 0 }, Choice with { Delta = default }, Public with { Seed = 1 }], question => Assert.True(answering.Plan(question).IsPlanned));
    }

    [Fact]
    public void A_questions_form_and_seed_come_over_the_wire_as_they_are()
    {
        foreach (var question in new[] { Public, Public with { Seed = -3, AnswerSchema = """{"type":"object"}""" }, Public with { Seed = 0 } })
        {
            var read = QuestionWire.FromWire(Protocol.Question.Parser.ParseFrom(QuestionWire.ToWire(question).ToByteArray()));
            Assert.Equal((question.Seed, question.AnswerSchema), (read.Seed, read.AnswerSchema));
        }
    }
}
