using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Spos.Board.Serving;

/// <summary>
/// Who may ask the board for what. A page of another site, which a browser shows beside, can make the browser send requests here. It
/// cannot know the token, and its requests tell where they come from; nor can it reach the board by a name of its own that it lets
/// point here, for only this machine's names are answered to.
/// </summary>
/// <param name="token">Who knows it may change something.</param>
/// <param name="isLoopback">Whether only this machine can reach the board, which then shows its runs to anybody here.</param>
internal sealed class RequestGuard(string token, bool isLoopback)
{
    private const string Scheme = "Bearer ";

    private readonly byte[] _token = Encoding.UTF8.GetBytes(token);

    /// <summary>Why a request is refused, with its status; null if it is not.</summary>
    /// <param name="changes">Whether it changes something.</param>
    public (int Status, string Why)? Refusal(HttpRequest request, bool changes)
    {
        if (RefusalOfName(request) is { } refused) return refused;
        string? origin = request.Headers.Origin.FirstOrDefault();
        if (origin != null && !string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase))
        {
            return (StatusCodes.Status403Forbidden, "The request comes from a page of another site.");
        }
        if (request.Headers["Sec-Fetch-Site"].FirstOrDefault() is not (null or "same-origin" or "none"))
        {
            return (StatusCodes.Status403Forbidden, "The request comes from a page of another site.");
        }
        return (changes || !isLoopback) && !HasToken(request)
            ? (StatusCodes.Status401Unauthorized, "The token is missing or wrong. Open the address that spos board has printed.")
            : null;
    }

    /// <summary>Why a request is refused for the name by which it reaches the board; null if it is not.</summary>
    public (int Status, string Why)? RefusalOfName(HttpRequest request)
    {
        string name = request.Host.Host;
        bool isKnown = IPAddress.TryParse(name.Trim('[', ']'), out IPAddress? address)
            ? !isLoopback || IPAddress.IsLoopback(address)
            : name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (!isLoopback && IsOfMachine(name));
        return isKnown ? null : (StatusCodes.Status421MisdirectedRequest, "The board does not answer to this name. Use its address.");
    }

    private static bool IsOfMachine(string name)
    {
        string own = Dns.GetHostName();
        return name.Equals(own, StringComparison.OrdinalIgnoreCase)
            || name.StartsWith(own.Split('.')[0] + ".", StringComparison.OrdinalIgnoreCase);
    }

    private bool HasToken(HttpRequest request)
    {
        string? given = request.Headers[HeaderNames.Authorization].FirstOrDefault();
        return given != null && given.StartsWith(Scheme, StringComparison.Ordinal)
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given[Scheme.Length..]), _token);
    }
}
