using System.Net;
using System.Net.Sockets;

namespace FederatedDpLlm.Cli.Demo;

/// <summary>Ports of this machine's loopback address.</summary>
internal static class LoopbackPorts
{
    /// <summary>Free ports, all different: held together while they are drawn, then let go.</summary>
    public static IReadOnlyList<int> Free(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        try
        {
            listeners.ForEach(listener => listener.Start());
            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            listeners.ForEach(listener => listener.Stop());
        }
    }

    /// <exception cref="DemoException">Another program listens on it.</exception>
    public static void RequireFree(int port, string option)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
        }
        catch (SocketException error)
        {
            throw new DemoException($"Port {port} is already in use on this machine ({error.SocketErrorCode}). Is another demo running? Choose another port with {option} PORT.", error);
        }
    }
}
