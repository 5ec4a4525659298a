namespace FederatedDpLlm.Federation.Nodes.Links;

/// <summary>A question that was let through to a node.</summary>
/// <param name="Asker">Whose it is.</param>
/// <param name="Trial">Whether it is the one that tells whether the node, which everybody leaves alone, is well again.</param>
/// <param name="OwnTrial">Whether it is the one that tells whether this asker's questions, which broke, are answered again.</param>
internal readonly record struct KindTurn(string Asker, bool Trial, bool OwnTrial);
