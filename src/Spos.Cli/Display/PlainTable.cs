using Spectre.Console;

namespace Spos.Cli.Display;

/// <summary>Tables of many rows: names at the left, figures at the right.</summary>
internal static class PlainTable
{
    /// <summary>An empty table. The first column, and one called shape, hold texts.</summary>
    public static Table New(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (string column in columns)
        {
            table.AddColumn(new TableColumn(column)
            {
                Alignment = column == columns[0] || column == "shape" ? Justify.Left : Justify.Right,
                NoWrap = true,
            });
        }
        return table;
    }

    public static void Write(Table table)
    {
        // A pipe has no width: whole lines are better than broken ones.
        if (!StandardStream.IsTerminal) AnsiConsole.Profile.Width = 200;
        AnsiConsole.Write(table);
    }
}
