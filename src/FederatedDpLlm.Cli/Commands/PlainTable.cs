using Spectre.Console;

namespace FederatedDpLlm.Cli.Commands;

/// <summary>A table of one line a row: a long name makes it wider than the terminal, and nothing unreadable.</summary>
internal static class PlainTable
{
    private const int LongestLine = 400;

    /// <param name="columns">Their names; numbers stand to the right.</param>
    public static Table Of(params ReadOnlySpan<(string Name, bool IsNumber)> columns)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var (name, isNumber) in columns)
        {
            var column = new TableColumn(name).NoWrap();
            table.AddColumn(isNumber ? column.RightAligned() : column);
        }

        table.Columns[0].PadLeft(0);
        table.Columns[^1].PadRight(0);
        return table;
    }

    public static void Write(Table table)
    {
        AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, LongestLine);
        AnsiConsole.Write(table);
    }
}
