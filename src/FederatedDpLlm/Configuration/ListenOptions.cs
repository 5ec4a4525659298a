namespace FederatedDpLlm.Configuration;

/// <summary>Where a listener binds.</summary>
public sealed record ListenOptions
{
    /// <value>Default: 127.0.0.1.</value>
    public string Address { get; init; } = "127.0.0.1";

    /// <value>1 to 65,535.</value>
    public int Port { get; init; }

    /// <exception cref="ConfigurationException">The address is no IP address, or the port is out of range.</exception>
    public System.Net.IPEndPoint ToEndPoint(string key)
    {
        if (!System.Net.IPAddress.TryParse(Address, out var address))
        {
            throw new ConfigurationException($"'{key}.address' is '{Address}': give an IP address, as in 127.0.0.1 or 0.0.0.0.");
        }

        ConfigurationException.Require(Port is > 0 and <= 65535, $"{key}.port", Port, "a port between 1 and 65535");
        return new System.Net.IPEndPoint(address, Port);
    }
}
