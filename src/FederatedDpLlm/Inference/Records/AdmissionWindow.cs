namespace FederatedDpLlm.Inference.Records;

/// <summary>How long one block of a hospital's patients gathers: the time in which a patient's earliest record was written.</summary>
public enum AdmissionWindow
{
    /// <summary>All patients are one block.</summary>
    None,

    /// <summary>Blocks are named as <c>2026</c>.</summary>
    Yearly,

    /// <summary>Blocks are named as <c>2026-Q1</c>.</summary>
    Quarterly,

    /// <summary>Blocks are named as <c>2026-01</c>.</summary>
    Monthly,
}
