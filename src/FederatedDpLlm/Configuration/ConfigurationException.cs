namespace FederatedDpLlm.Configuration;

/// <summary>A configuration that cannot be used. The message names the file, the key and what to do; nothing has started.</summary>
public sealed class ConfigurationException(string message, Exception? inner = null) : Exception(message, inner);
