using System.Runtime.CompilerServices;

namespace Predastore.Simulation.Tests.Raft;

/// <summary>An invariant that does not hold.</summary>
public sealed class InvariantException(string message) : Exception(message)
{
    /// <exception cref="InvariantException">It does not hold.</exception>
    internal static void Check(bool holds, string otherwise)
    {
        if (!holds)
            throw new InvariantException(otherwise);
    }

    /// <summary>As above; the text is made only if it is needed, because checks run after every step.</summary>
    internal static void Check(bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] ref Otherwise otherwise)
    {
        if (!holds)
            throw new InvariantException(otherwise.Text());
    }

    /// <summary>Text of a check that failed.</summary>
    [InterpolatedStringHandler]
    internal ref struct Otherwise
    {
        private DefaultInterpolatedStringHandler _text;

        public Otherwise(int literalLength, int formattedCount, bool holds, out bool needed)
        {
            needed = !holds;
            _text = holds ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount);
        }

        public void AppendLiteral(string value) => _text.AppendLiteral(value);

        public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

        public string Text() => _text.ToStringAndClear();
    }
}
