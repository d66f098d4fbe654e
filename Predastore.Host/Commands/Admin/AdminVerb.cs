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
internal sealed record AdminVerb<TRequest, TAnswer>
{
    private const double DefaultTimeoutSeconds = 600;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

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

    /// <summary>True for an answer after which the same request is sent again, until <c>--timeout</c>; null where one request does it.</summary>
    public Func<TAnswer, bool>? IsUnderWay { get; init; }

    public Command Create(CommandContext context)
    {
        var command = new Command(Verb, Description);
        foreach (Option option in Options)
            command.Options.Add(option);
        var target = new TargetOptions();
        Option<bool> json = new("--json") { Description = "Print the answer as JSON." };
        target.AddTo(command);
        command.Options.Add(json);
        Option<double> timeout = new("--timeout")
        {
            Description = "Seconds to go on until it is done.", HelpName = "SECONDS", DefaultValueFactory = _ => DefaultTimeoutSeconds,
        };
        if (IsUnderWay is not null)
            command.Options.Add(timeout);
        command.SetAction((result, cancel) => CommandLine.GuardAsync(context, async () =>
        {
            var client = new AdminClient(context.Time);
            StatusTarget whom = target.Read(result, context);
            TRequest request = Read(result);
            long started = context.Time.GetTimestamp();
            TAnswer answer = await client.RunAsync(whom, Action, Changes, request, RequestForm, AnswerForm, Timeout, cancel);
            while (IsUnderWay is not null && IsUnderWay(answer)
                && context.Time.GetElapsedTime(started).TotalSeconds < result.GetValue(timeout))
            {
                await Task.Delay(Pause, context.Time, cancel);
                answer = await client.RunAsync(whom, Action, Changes, request, RequestForm, AnswerForm, Timeout, cancel);
            }

            if (result.GetValue(json))
                context.Out.WriteLine(JsonSerializer.Serialize(answer, AnswerForm));
            else
                Show(Tables.ConsoleFor(context), answer);
            return IsUnderWay is not null && IsUnderWay(answer) ? ExitCode.Refused : Exit(answer);
        }));
        return command;
    }
}
