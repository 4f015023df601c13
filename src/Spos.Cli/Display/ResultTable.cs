using Spectre.Console;
using Spos.Engine.Data;

namespace Spos.Cli.Display;

/// <summary>Prints named results as a table.</summary>
internal static class ResultTable
{
    /// <summary>The row for the JPEGs that nvJPEG has left; without a value if there are none.</summary>
    public static (string Name, string? Value) RowOfRefused(DamageReport damage) =>
        ("left by nvJPEG", damage.Refused == 0 ? null : $"{damage.Refused} JPEGs, which Spos's own decoder decoded");

    /// <param name="rows">Those without a value are left out.</param>
    public static void Print(string title, params ReadOnlySpan<(string Name, string? Value)> rows)
    {
        if (!StandardStream.IsTerminal)
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
