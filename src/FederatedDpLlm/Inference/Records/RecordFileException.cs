namespace FederatedDpLlm.Inference.Records;

/// <summary>A file of records is refused: missing, too large, of an unknown format, or mostly broken. The message never quotes a record.</summary>
public sealed class RecordFileException(string message) : Exception(message);
