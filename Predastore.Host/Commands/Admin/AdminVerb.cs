using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Predastore.Host.Admin;
using Spectre.Console;

namespace Predastore.Host.Commands.Admin;

/// <summary>
/// One verb of <c>s3d admin</c>: sends a request to <c>/_/admin/</c> and shows the answer as a table for people, or as the JSON that came
/// with <c>--json</c>.
/// </summary>
internal sealed class AdminVerb<TRequest, TAnswer>
{
    /// <summary>Name on the command line.</summary>
    public required string Verb { get; init; }

    public required string Description { get; init; }

    /// <summary>Area and verb of the HTTP API.</summary>
    public required string Action { get; init; }

    /// <summary>True if it may change something.</summary>
    public required bool Changes { get; init; }

    public required JsonTypeInfo<TRequest> RequestForm { get; init; }

    public required JsonTypeInfo<TAnswer> AnswerForm { get; init; }

    /// <summary>The flags of this verb beside those that every verb has.</summary>
    public IReadOnlyList<Option> Options { get; init; } = [];

    /// <summary>Makes the request from the flags; a <see cref="StartupException"/> names the flag that is wrong.</summary>
    public required Func<ParseResult, TRequest> Read { get; init; }

    /// <summary>Shows the answer to people.</summary>
    public required Action<IAnsiConsole, TAnswer> Show { get; init; }

    /// <summary>For the answer of one node.</summary>
    public TimeSpan Timeout { get; init; } = AdminClient.ActionTimeout;

    /// <summary>How the program ends after an answer.</summary>
    public Func<TAnswer, ExitCode> Exit { get; init; } = _ => ExitCode.Ok;

    public Command Create(CommandContext context)
    {
        var command = new Command(Verb, Description);
        foreach (Option option in Options)
            command.Options.Add(option);
        var target = new TargetOptions();
        Option<bool> json = new("--json") { Description = "Print the answer as JSON." };
        target.AddTo(command);
        command.Options.Add(json);
        command.SetAction((result, cancel) => CommandLine.GuardAsync(context, async () =>
        {
            TAnswer answer = await new AdminClient(context.Time).RunAsync(
                target.Read(result, context), Action, Changes, Read(result), RequestForm, AnswerForm, Timeout, cancel);
            if (result.GetValue(json))
                context.Out.WriteLine(JsonSerializer.Serialize(answer, AnswerForm));
            else
                Show(Tables.ConsoleFor(context), answer);
            return Exit(answer);
        }));
        return command;
    }
}
