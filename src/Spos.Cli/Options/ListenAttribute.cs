using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Spos.Cli.Options;

/// <summary>An address of this machine and a port to listen at.</summary>
internal sealed class ListenAttribute : ValueRule
{
    private const string LocalHost = "localhost";

    public override string Possible => "ADDRESS:PORT, such as 127.0.0.1:6780, [::1]:6780 or 0.0.0.0:6780; port 0 is any that is free";

    public override string Read(string text, Type type)
    {
        _ = EndPointOf(text);
        return text;
    }

    /// <summary>The address and port of a value.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static IPEndPoint EndPointOf(string text)
    {
        int colon = text.LastIndexOf(':');
        string address = colon < 0 ? "" : text[..colon], port = text[(colon + 1)..];
        bool isSix = address is ['[', _, .., ']'];
        if (!ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number))
        {
            throw new FormatException("this value does not end with a colon and a port from 0 to 65535, as 127.0.0.1:6780 does.");
        }
        if (address == LocalHost) return new IPEndPoint(IPAddress.Loopback, number);
        // Names may mean another machine tomorrow, and a short number is an address to some.
        bool isWhole = isSix || address.Count(c => c == '.') == 3;
        return isWhole && IPAddress.TryParse(isSix ? address[1..^1] : address, out IPAddress? found)
            && (found.AddressFamily == AddressFamily.InterNetworkV6) == isSix
            ? new IPEndPoint(found, number)
            : throw new FormatException("this value does not begin with localhost, or with an address such as 127.0.0.1 or [::1].");
    }
}
