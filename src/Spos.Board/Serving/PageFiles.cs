using Microsoft.AspNetCore.Http;

namespace Spos.Board.Serving;

/// <summary>The page, which the program carries. It has nothing of any run in it.</summary>
internal static class PageFiles
{
    /// <summary>What is served: the path, the name of the resource and its type.</summary>
    public static IReadOnlyList<(string Path, string Name, string Type)> All { get; } =
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/board.css", "board.css", "text/css; charset=utf-8"),
        ("/board.js", "board.js", "text/javascript; charset=utf-8"),
        ("/charts.js", "charts.js", "text/javascript; charset=utf-8"),
        ("/formats.js", "formats.js", "text/javascript; charset=utf-8"),
        ("/redraw.js", "redraw.js", "text/javascript; charset=utf-8"),
        ("/run.js", "run.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "icon.svg", "image/svg+xml"),
    ];

    /// <summary>Sends a file.</summary>
    public static async Task Send(HttpResponse response, string name, string type)
    {
        using Stream file = typeof(PageFiles).Assembly.GetManifestResourceStream(name)!;
        response.ContentType = type;
        response.ContentLength = file.Length;
        if (!HttpMethods.IsHead(response.HttpContext.Request.Method)) await file.CopyToAsync(response.Body);
    }
}
