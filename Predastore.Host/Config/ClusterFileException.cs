namespace Predastore.Host.Config;

/// <summary>A cluster file that cannot be used. <see cref="Exception.Message"/> is one line: <c>file.toml:LINE: what is wrong; what to do</c>.</summary>
public sealed class ClusterFileException : Exception
{
    /// <param name="file">The file as the operator named it.</param>
    /// <param name="line">1-based line of the offending key, or of its table's header when the key is missing.</param>
    /// <param name="problem">What is wrong and what to do; line breaks are folded, so that the message stays one line.</param>
    public ClusterFileException(string file, int line, string problem)
        : base($"{file}:{line}: {problem.ReplaceLineEndings(" ")}")
    {
        File = file;
        Line = line;
    }

    /// <summary>The file as the operator named it.</summary>
    public string File { get; }

    /// <summary>1-based line.</summary>
    public int Line { get; }
}
