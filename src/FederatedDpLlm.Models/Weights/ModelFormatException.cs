namespace FederatedDpLlm.Models.Weights;

/// <summary>A model's file is malformed, lies about itself, or asks for something that this engine does not do. The message names the file's part, never its content.</summary>
public sealed class ModelFormatException : Exception
{
    /// <summary>Says what is wrong.</summary>
    public ModelFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Says what is wrong, with the parser's own error.</summary>
    public ModelFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
