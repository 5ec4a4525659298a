using System.Text;

namespace FederatedDpLlm.Inference.Engines.Remote;

/// <summary>A context as chat messages, or as the plain text that completions continue.</summary>
internal static class RecordPrompt
{
    private const string Instruction = "Answer from these records.";

    public static IReadOnlyList<ChatMessage> Messages(IReadOnlyList<ChatMessage> messages, IReadOnlyList<string> records) =>
        records.Count == 0 ? messages : [new ChatMessage("system", Instruction + "\n\n" + Join(records)), .. messages];

    public static string Text(ChatContext context)
    {
        var text = new StringBuilder();
        if (context.Records.Count > 0)
        {
            text.Append(Instruction).Append("\n\n").Append(Join(context.Records)).Append("\n\n");
        }

        foreach (var message in context.Messages)
        {
            text.Append(message.Role == "assistant" ? "Answer: " : message.Role == "user" ? "Question: " : "").Append(message.Content).Append("\n\n");
        }

        return text.Append("Answer:").ToString();
    }

    private static string Join(IReadOnlyList<string> records) => string.Join("\n\n", records.Select(record => "Record:\n" + record));
}
