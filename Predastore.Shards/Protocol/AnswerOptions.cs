namespace Predastore.Shards.Protocol;

/// <summary>
/// Where those go on who wait for an answer: on the pool, so that whoever answers is not held up. A simulation asks for the thread
/// that answers, because everything in it runs on one.
/// </summary>
public static class AnswerOptions
{
    [ThreadStatic]
    private static bool s_inline;

    /// <summary>Options for the task of an answer that is made on this thread.</summary>
    public static TaskCreationOptions Current
        => s_inline ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously;

    /// <summary>Sets that answers made on this thread are continued by whoever gives them.</summary>
    internal static void SetInline(bool inline) => s_inline = inline;
}
