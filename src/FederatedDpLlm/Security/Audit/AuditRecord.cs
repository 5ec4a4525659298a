using System.Text;

namespace FederatedDpLlm.Security.Audit;

/// <summary>
/// One decision, as the audit log keeps it: who, what, what it cost, what came of it. Never a prompt, an answer, or patient data.
/// </summary>
/// <param name="RequestId">The request that the decision is about.</param>
/// <param name="Decision">What was decided.</param>
/// <param name="Actor">The user, or the peer (a node, the router) on whose behalf it was decided.</param>
/// <param name="Details">Identifiers and numbers only: department, purpose, mechanism, strategy, node, epsilon, reason code.</param>
public sealed record AuditRecord(string RequestId, AuditDecision Decision, string Actor, IReadOnlyDictionary<string, string> Details)
{
    /// <summary>The longest request id, actor, and name or value of a detail, in characters: a log of decisions has no room for an answer.</summary>
    public const int LongestText = 256;

    /// <summary>The most details that one record carries.</summary>
    public const int MostDetails = 64;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>This record with more details; a name that is already there is overwritten.</summary>
    public AuditRecord With(AuditDecision decision, params ReadOnlySpan<(string Name, string Value)> more)
    {
        var details = new Dictionary<string, string>(Details, StringComparer.Ordinal);
        foreach (var (name, value) in more)
        {
            details[name] = value;
        }

        return this with { Decision = decision, Details = details };
    }

    /// <summary>Checked in the caller's own call, so that a bad record fails its caller alone and never the commit it would have shared.</summary>
    /// <exception cref="ArgumentException">A text is too long or no valid Unicode, or there are too many details.</exception>
    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(RequestId);
        ArgumentNullException.ThrowIfNull(Actor);
        ArgumentNullException.ThrowIfNull(Details);
        if (Details.Count > MostDetails)
        {
            throw new ArgumentException($"An audit record has at most {MostDetails} details; this one has {Details.Count}.");
        }

        Validate(RequestId, "request id");
        Validate(Actor, "actor");
        foreach (var (name, value) in Details)
        {
            Validate(name, "detail");
            Validate(value, name);
        }
    }

    private static void Validate(string text, string what)
    {
        if (text.Length > LongestText)
        {
            throw new ArgumentException($"An audit record's {what} has at most {LongestText} characters; this one has {text.Length}.");
        }

        try
        {
            _ = StrictUtf8.GetByteCount(text);
        }
        catch (EncoderFallbackException invalid)
        {
            throw new ArgumentException($"An audit record's {what} is not valid Unicode.", invalid);
        }
    }
}
