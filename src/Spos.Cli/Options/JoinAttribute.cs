using System.Globalization;

namespace Spos.Cli.Options;

/// <summary>A machine and a port to connect to.</summary>
internal sealed class JoinAttribute : ValueRule
{
    public override string Possible => "HOST:PORT, such as node1:6781, 10.0.0.7:6781 or [::1]:6781";

    public override string Read(string text, Type type)
    {
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? "" : text[..colon];
        if (!ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0)
        {
            throw new FormatException("this value does not end with a colon and a port from 1 to 65535, as node1:6781 does.");
        }
        UriHostNameType kind = Uri.CheckHostName(host);
        bool isBracketed = host.StartsWith('[');
        return kind is UriHostNameType.Dns or UriHostNameType.IPv4 || (kind == UriHostNameType.IPv6 && isBracketed)
            ? text
            : throw new FormatException(
                "this value does not begin with the name of a machine, or with an address such as 10.0.0.7 or [::1].");
    }
}
