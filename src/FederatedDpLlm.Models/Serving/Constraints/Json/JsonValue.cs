namespace FederatedDpLlm.Models.Serving.Constraints.Json;

/// <summary>Before a value (RFC 8259, section 3).</summary>
/// <param name="shape">What it has to look like.</param>
/// <param name="rest">What follows it.</param>
/// <param name="depth">Arrays and objects around it.</param>
internal sealed class JsonValue(JsonShape shape, ByteState rest, int depth) : ByteState
{
    private const int Deepest = 32;
    private static readonly byte[] True = "true"u8.ToArray();
    private static readonly byte[] False = "false"u8.ToArray();
    private static readonly byte[] Null = "null"u8.ToArray();

    public override int BytesLeft => shape.Shortest + rest.BytesLeft;

    public override ByteState? After(byte next) => shape switch
    {
        JsonShape.OneOf enumeration => new Alternatives(enumeration.Literals, 0, rest).After(next),
        JsonShape.Text => next == '"' ? new JsonText(rest) : null,
        JsonShape.Number number => new JsonNumber(JsonNumber.Part.Start, number.IsWhole, rest).After(next),
        JsonShape.Items items => next == '[' ? new FirstItem(items.Each, rest, depth + 1) : null,
        JsonShape.Members members => next == '{' ? Open(members) : null,
        JsonShape.AnyMembers => next == '{' ? new FirstKey(rest, depth + 1) : null,
        JsonShape.Either either => either.Shapes.Select(one => new JsonValue(one, rest, depth).After(next)).FirstOrDefault(state => state is not null),
        _ => Anything(next),
    };

    private ByteState? Anything(byte next) => next switch
    {
        (byte)'"' => new JsonText(rest),
        (byte)'[' => depth < Deepest ? new FirstItem(shape, rest, depth + 1) : null,
        (byte)'{' => depth < Deepest ? new FirstKey(rest, depth + 1) : null,
        (byte)'t' or (byte)'f' or (byte)'n' => new Alternatives([True, False, Null], 0, rest).After(next),
        _ => new JsonNumber(JsonNumber.Part.Start, false, rest).After(next),
    };

    // The keys are known: what is not a value is written out. Built from the end, each member before what follows it.
    private ByteState Open(JsonShape.Members members)
    {
        ByteState state = new OneByte('}', rest);
        for (var index = members.All.Count - 1; index >= 0; index--)
        {
            var (key, value) = members.All[index];
            state = new Alternatives([key], 0, new OneByte(':', new OptionalSpace(new JsonValue(value, state, depth + 1))));
            state = index == 0 ? state : new OneByte(',', new OptionalSpace(state));
        }

        return state;
    }

    private sealed class FirstItem(JsonShape each, ByteState rest, int depth) : ByteState
    {
        public override int BytesLeft => 1 + rest.BytesLeft;

        public override ByteState? After(byte next) => next == ']' ? rest : new JsonValue(each, new NextItem(each, rest, depth), depth).After(next);
    }

    private sealed class NextItem(JsonShape each, ByteState rest, int depth) : ByteState
    {
        public override int BytesLeft => 1 + rest.BytesLeft;

        public override ByteState? After(byte next) => next switch
        {
            (byte)']' => rest,
            (byte)',' => new OptionalSpace(new JsonValue(each, this, depth)),
            _ => null,
        };
    }

    private sealed class FirstKey(ByteState rest, int depth) : ByteState
    {
        public override int BytesLeft => 1 + rest.BytesLeft;

        public override ByteState? After(byte next) => next == '}' ? rest : new Key(rest, depth).After(next);
    }

    private sealed class NextKey(ByteState rest, int depth) : ByteState
    {
        public override int BytesLeft => 1 + rest.BytesLeft;

        public override ByteState? After(byte next) => next switch
        {
            (byte)'}' => rest,
            (byte)',' => new OptionalSpace(new Key(rest, depth)),
            _ => null,
        };
    }

    private sealed class Key(ByteState rest, int depth) : ByteState
    {
        private readonly OneByte _key = new('"', new JsonText(new OneByte(':', new OptionalSpace(new JsonValue(JsonShape.Any, new NextKey(rest, depth), depth)))));

        public override int BytesLeft => _key.BytesLeft;

        public override ByteState? After(byte next) => _key.After(next);
    }
}
