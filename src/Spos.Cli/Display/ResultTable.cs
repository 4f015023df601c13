using Spectre.Console;

namespace Spos.Cli.Display;

/// <summary>Prints named results as a table.</summary>
internal static class ResultTable
{
    /// <param name="rows">Those without a value are left out.</param>
    public static void Print(string title, params ReadOnlySpan<(string Name, string? Value)> rows)
    {
        if (Console.IsOutputRedirected)
        {
            Console.WriteLine(title);
            foreach ((string name, string? value) in rows)
            {
                if (value != null) Console.WriteLine($"  {name,-24}{Shown.Line(value)}");
            }
            return;
        }
        Table table = new Table().Title(Markup.Escape(title)).AddColumns("", "").HideHeaders().Border(TableBorder.Rounded);
        foreach ((string name, string? value) in rows)
        {
            if (value != null) table.AddRow(Markup.Escape(name), Markup.Escape(Shown.Line(value)));
        }
        AnsiConsole.Write(table);
    }
}
