using Spectre.Console;

namespace Predastore.Host.Commands;

/// <summary>Where tables for people go, and how they look.</summary>
internal static class Tables
{
    private const int WidthWithoutTerminal = 160;

    public static IAnsiConsole ConsoleFor(CommandContext context)
    {
        if (context.Out == Console.Out && !Console.IsOutputRedirected)
            return AnsiConsole.Console;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(context.Out),
        });
        // A pipe has no width; at the default of 80 columns the tables break.
        console.Profile.Width = WidthWithoutTerminal;
        return console;
    }

    public static Table New(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Rounded };
        foreach (string column in columns)
            table.AddColumn(new TableColumn(column).NoWrap());
        return table;
    }

    /// <summary>Adds a row. Names are the operator's: a bracket in one is text and no markup.</summary>
    public static void Row(Table table, params string[] cells) => table.AddRow([.. cells.Select(cell => new Text(cell))]);
}
