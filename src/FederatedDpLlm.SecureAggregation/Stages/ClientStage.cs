namespace FederatedDpLlm.SecureAggregation.Stages;

/// <summary>How far a client is in a round; it only ever moves down this list.</summary>
public enum ClientStage
{
    /// <summary>Keys are made, nothing was sent.</summary>
    Fresh,

    /// <summary>Keys were advertised.</summary>
    Advertised,

    /// <summary>Shares were dealt.</summary>
    Shared,

    /// <summary>The masked update was sent.</summary>
    Uploaded,

    /// <summary>The survivor set was signed.</summary>
    Confirmed,

    /// <summary>Shares were released; nothing is left to do.</summary>
    Unmasked,
}
