using System.Text;
using System.Text.Json;
using CsCheck;
using FederatedDpLlm.Models.Llama;
using FederatedDpLlm.Models.Sampling;
using FederatedDpLlm.Models.Serving;
using FederatedDpLlm.Models.Serving.Constraints;
using FederatedDpLlm.Models.Serving.Constraints.Json;
using FederatedDpLlm.Models.Tests.Llama;
using FederatedDpLlm.Models.Tests.Training;
using FederatedDpLlm.Models.Tokenization;

namespace FederatedDpLlm.Models.Tests.Serving.Constraints;

/// <summary>Answers of a form: what random models say under it, and what the form allows byte by byte.</summary>
public sealed class AnswerConstraintTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // A schema and a conforming value are drawn together, so that both directions can be asked.
    private static readonly Gen<string> Name = Gen.String[Gen.Char["abcdeXY \"\\é\n"], 1, 6];

    private static readonly Gen<(string Schema, string Value)> Scalar = Gen.OneOf(
        Gen.String[Gen.Char["ab\"\\\u0001é€"], 0, 8].Select(text => ("""{"type":"string","description":"d"}""", JsonSerializer.Serialize(text))),
        Gen.Int.Select(number => ("""{"type":"integer"}""", JsonSerializer.Serialize(number))),
        Gen.Double[-1e9, 1e9].Select(number => ("""{"type":"number"}""", JsonSerializer.Serialize(number))),
        Gen.Bool.Select(flag => ("""{"type":"boolean"}""", JsonSerializer.Serialize(flag))),
        Gen.Const(("""{"type":["string","null"]}""", "null")),
        Gen.Int[0, 3].Select(pick => ("""{"enum":["red","re",1,12]}""", new[] { "\"red\"", "\"re\"", "1", "12" }[pick])),
        Gen.Const(("""{"type":"string","enum":["I10","I1",7]}""", "\"I1\"")),
        Gen.Const(("""{"type":"object"}""", """{"a":[1,{"b":null}]}""")),
        Gen.Const(("true", """[[],{},"x",-0.5e-3]""")));

    private static readonly Gen<(string Schema, string Value)> Anything = Gen.Recursive<(string Schema, string Value)>((depth, nested) => depth > 3 ? Scalar : Gen.OneOf(
        Scalar,
        Gen.Select(nested, Gen.Int[0, 3]).Select((item, count) => ($$"""{"type":"array","items":{{item.Schema}}}""", $"[{string.Join(", ", Enumerable.Repeat(item.Value, count))}]")),
        Gen.Select(Name, nested).List[0, 4].Select(members =>
        {
            var distinct = members.DistinctBy(member => member.Item1).ToList();
            var properties = string.Join(',', distinct.Select(member => $"{JsonSerializer.Serialize(member.Item1)}:{member.Item2.Schema}"));
            var required = JsonSerializer.Serialize(distinct.Select(member => member.Item1).Take(1));
            var value = string.Join(',', distinct.Select(member => $"{Written(member.Item1)}: {member.Item2.Value}"));
            return ($$"""{"type":"object","additionalProperties":false,"required":{{required}},"properties":{ {{properties}} } }""", $"{{{value}}}");
        })));

    [Fact]
    public Task Whatever_a_model_says_under_a_schema_is_whole_and_conforms_however_few_tokens_it_may_have() =>
        Gen.Select(Anything, Gen.Int[0, 40], Gen.Int[0, 2], Gen.Byte).SampleAsync(
            async (pair, more, hot, seed) =>
            {
                var shape = JsonShape.Parse(JsonDocument.Parse(pair.Schema).RootElement);
                if (shape.Shortest + more > 150)
                {
                    return;
                }

                var text = await Answer(RandomModel.Create(), AnswerConstraint.Json(shape), shape.Shortest + more, hot, seed);
                Assert.True(Conforms(JsonDocument.Parse(text).RootElement, JsonDocument.Parse(pair.Schema).RootElement), $"{pair.Schema}: {text}");
            },
            iter: 60, threads: 1);

    [Fact]
    public Task Any_json_object_that_a_model_says_parses() =>
        Gen.Select(Gen.Int[2, 120], Gen.Int[0, 2], Gen.Byte).SampleAsync(
            async (tokens, hot, seed) =>
            {
                var text = await Answer(RandomModel.Create(), AnswerConstraint.Json(JsonShape.AnyObject), tokens, hot, seed);
                Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(text).RootElement.ValueKind);
            },
            iter: 60, threads: 1);

    [Fact]
    public Task A_choice_is_one_of_the_texts_also_where_one_begins_another() =>
        Gen.Select(Gen.String[Gen.Char["abé€"], 1, 6].List[1, 6], Gen.Int[0, 2], Gen.Byte).SampleAsync(
            async (choices, hot, seed) =>
            {
                var text = await Answer(RandomModel.Create(), AnswerConstraint.Choice(choices), choices.Max(Encoding.UTF8.GetByteCount), hot, seed);
                Assert.Contains(text.TrimStart(' '), choices);
            },
            iter: 60, threads: 1);

    [Fact]
    public void Values_that_conform_are_allowed_byte_by_byte_with_an_end_in_reach_and_changed_ones_only_where_they_parse() =>
        Gen.Select(Anything, Gen.Int[0, 200], Gen.Byte).Sample(
            (pair, place, value) =>
            {
                var start = AnswerConstraint.Json(JsonShape.Parse(JsonDocument.Parse(pair.Schema).RootElement)).Start;
                var bytes = Encoding.UTF8.GetBytes(pair.Value);
                var state = start;
                for (var i = 0; i < bytes.Length; i++)
                {
                    // The shortest way to the end is one that can be gone.
                    var left = state.BytesLeft;
                    Assert.True(left == 0 || Enumerable.Range(0, 256).Any(next => state!.After((byte)next)?.BytesLeft == left - 1), $"{pair.Schema}: {pair.Value} at {i}");
                    state = state.After(bytes[i]);
                    Assert.True(state is not null, $"{pair.Schema}: {pair.Value} at {i}");
                    Assert.True(state!.BytesLeft <= bytes.Length - i - 1);
                }

                Assert.Equal(0, state.BytesLeft);
                bytes[place % bytes.Length] = value;
                if (start.After(bytes) is { BytesLeft: 0 })
                {
                    Assert.True(Conforms(JsonDocument.Parse(bytes).RootElement, JsonDocument.Parse(pair.Schema).RootElement));
                }
            },
            iter: 2000);

    // RFC 8259: grammar of numbers (section 6), strings (section 7); RFC 3629, section 4: well-formed UTF-8.
    [Theory]
    [InlineData("01", false), InlineData("-", false), InlineData("1.", false), InlineData(".5", false), InlineData("+1", false), InlineData("1e", false), InlineData("-0.10E+05", true)]
    [InlineData("\"\\x\"", false), InlineData("\"\\u12g4\"", false), InlineData("\"\\uD800\"", false), InlineData("\"\\ud834\\udd1e\"", false), InlineData("\"\\u00e9\"", true)]
    [InlineData("\"a\tb\"", false), InlineData("tru", false), InlineData("True", false), InlineData("[1,]", false), InlineData("{\"a\":1,}", false), InlineData("{\"a\" :1}", false)]
    [InlineData("{\"a\":  1}", false), InlineData("{a:1}", false), InlineData("[] []", false), InlineData(" [ ]", false), InlineData(" [1, 2]", true), InlineData("NaN", false)]
    public void Json_is_that_of_the_standard(string text, bool allowed) =>
        Assert.Equal(allowed, AnswerConstraint.Json(JsonShape.Any).Start.After(Encoding.UTF8.GetBytes(text)) is { BytesLeft: 0 });

    [Theory, InlineData(0xC0, 0x80), InlineData(0xE0, 0x9F), InlineData(0xED, 0xA0), InlineData(0xF0, 0x8F), InlineData(0xF4, 0x90), InlineData(0xF5, 0x80), InlineData(0x80, 0x80), InlineData(0xC3, 0x22)]
    public void Bytes_that_are_no_text_do_not_come_into_a_string(byte first, byte second) =>
        Assert.Null(AnswerConstraint.Json(JsonShape.Any).Start.After([(byte)'"', first, second]));

    [Fact]
    public void Nesting_ends_at_the_stated_depth()
    {
        var start = AnswerConstraint.Json(JsonShape.Any).Start;
        Assert.NotNull(start.After([.. Enumerable.Repeat((byte)'[', 32)]));
        Assert.Null(start.After([.. Enumerable.Repeat((byte)'[', 33)]));
    }

    [Theory]
    [InlineData("""{"anyOf":[{"type":"string"}]}""", "anyOf"), InlineData("""{"type":"string","pattern":"a*"}""", "pattern"), InlineData("""{"type":"text"}""", "type")]
    [InlineData("""{"properties":{}}""", "type"), InlineData("""{"enum":[]}""", "enum"), InlineData("""{"enum":[{}]}""", "enum"), InlineData("""{"type":"string","enum":[1]}""", "enum")]
    [InlineData("""{"type":"object","required":["a"]}""", "required"), InlineData("""{"type":"object","properties":{"b":{}},"required":["a"]}""", "required"), InlineData("7", "object")]
    [InlineData("""{"type":["string","string"]}""", "types"), InlineData("""{"type":[]}""", "type"), InlineData("""{"type":"object","properties":{"a":{},"a":{}}}""", "a")]
    public void A_schema_that_would_not_be_kept_is_refused_by_the_name_of_what_is_wrong(string schema, string named)
    {
        var refused = Assert.Throws<NotSupportedException>(() => JsonShape.Parse(JsonDocument.Parse(schema).RootElement));
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_schema_that_is_too_deep_or_too_large_is_refused()
    {
        var deep = string.Concat(Enumerable.Repeat("""{"type":"array","items":""", 20)) + "true" + new string('}', 20);
        var large = $$"""{"type":"object","properties":{ {{string.Join(',', Enumerable.Range(0, 2000).Select(i => $"\"{i}\":true"))}} } }""";
        Assert.Throws<NotSupportedException>(() => JsonShape.Parse(JsonDocument.Parse(deep).RootElement));
        Assert.Throws<NotSupportedException>(() => JsonShape.Parse(JsonDocument.Parse(large).RootElement));
    }

    [Fact]
    public async Task A_form_that_needs_more_tokens_than_there_are_is_refused_before_anything_is_computed()
    {
        var constraint = AnswerConstraint.Choice(["yes", "no"]);
        var refused = await Assert.ThrowsAsync<ServingRefusedException>(() => Answer(RandomModel.Create(), constraint, 1, 0, 1));
        Assert.Equal(ServingRefusal.TooFewTokens, refused.Refusal);
        Assert.Equal("no", (await Answer(RandomModel.Create(), constraint, 2, 0, 1)).TrimStart(' '));
        Assert.Throws<ArgumentException>(() => AnswerConstraint.Choice([]));
        Assert.Throws<ArgumentException>(() => AnswerConstraint.Choice(["a", ""]));
    }

    [Fact]
    public void Tokens_of_several_bytes_are_masked_as_their_bytes_are_and_control_tokens_never_come()
    {
        var tokenizer = BytePairs();
        var mask = new TokenMask(tokenizer, tokenizer.EndTokens, tokenizer.Vocabulary + 3);
        var logits = new float[tokenizer.Vocabulary + 3];
        logits[9] = float.NaN;
        Gen.Select(Gen.Int[0, 30], Gen.Int[1, 30], Gen.Int[0, 2]).Sample(
            (read, left, form) =>
            {
                var bytes = Encoding.UTF8.GetBytes("""{"code":"I10","sure":true}""");
                var state = (form == 0 ? AnswerConstraint.Json(JsonShape.Any) : form == 1 ? AnswerConstraint.Json(JsonShape.AnyObject) : AnswerConstraint.Choice([Encoding.UTF8.GetString(bytes)]))
                    .Start.After(bytes[..Math.Min(read, bytes.Length)])!;
                if (state.BytesLeft > left)
                {
                    return;
                }

                var masked = mask.Apply(state, logits, left);
                for (var token = 0; token < masked.Length; token++)
                {
                    var written = token < tokenizer.Vocabulary ? tokenizer.BytesOf(token).ToArray() : [];
                    var expected = token != 9 && (tokenizer.EndTokens.Contains(token) ? state.BytesLeft == 0 : written.Length > 0 && state.After(written) is { } next && next.BytesLeft < left);
                    Assert.Equal(expected, float.IsFinite(masked[token]));
                }
            },
            iter: 200);
    }

    private static string Written(string name) => Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(name, new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));

    private static BytePairTokenizer BytePairs()
    {
        var pieces = new PreTokenizer([PreTokenizer.SingleDigitPattern]);
        var vocabulary = BytePairTrainer.Train([.. Enumerable.Repeat("""{"code":"I10","sure":true},{"code":"J18","sure":false}""", 20)], Prompts.WardTemplate.ControlTokens, 300, pieces);
        return new BytePairTokenizer(vocabulary with { BeginToken = 0, EndTokens = [1] }, pieces);
    }

    private static async Task<string> Answer(LanguageModel model, AnswerConstraint constraint, int tokens, int hot, byte seed)
    {
        using var batcher = new ContinuousBatcher(model);
        var request = new StreamRequest("ward", RandomModel.Tokens(10, seed), tokens, new SeededRandom(seed)) { Constraint = constraint, Sampling = new SamplingParameters { Temperature = hot } };
        var ids = new List<int>();
        await foreach (var token in batcher.GenerateAsync(request, Cancellation))
        {
            Assert.False(ids.Count > 0 && token.LogProbability > 0);
            ids.Add(token.Id);
        }

        Assert.InRange(ids.Count, 1, tokens);
        return StreamingTextDecoder.Decode(model.Tokenizer, ids);
    }

    // The slow reading of a schema: whether a value is what it says.
    private static bool Conforms(JsonElement value, JsonElement schema)
    {
        if (schema.ValueKind == JsonValueKind.True)
        {
            return true;
        }

        if (schema.TryGetProperty("enum", out var values))
        {
            return values.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value));
        }

        var types = schema.GetProperty("type") is { ValueKind: JsonValueKind.Array } several ? several.EnumerateArray().Select(one => one.GetString()) : [schema.GetProperty("type").GetString()];
        return types.Any(type => type switch
        {
            "string" => value.ValueKind == JsonValueKind.String,
            "integer" => value.ValueKind == JsonValueKind.Number && value.GetRawText().TrimStart('-').All(char.IsAsciiDigit),
            "number" => value.ValueKind == JsonValueKind.Number,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "null" => value.ValueKind == JsonValueKind.Null,
            "array" => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(one => Conforms(one, schema.GetProperty("items"))),
            _ => value.ValueKind == JsonValueKind.Object && (!schema.TryGetProperty("properties", out var properties)
                || (properties.EnumerateObject().Count() == value.EnumerateObject().Count()
                    && properties.EnumerateObject().All(one => value.TryGetProperty(one.Name, out var member) && Conforms(member, one.Value)))),
        });
    }
}
