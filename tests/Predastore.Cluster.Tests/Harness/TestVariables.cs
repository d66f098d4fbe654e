using System.Globalization;

namespace Predastore.Cluster.Tests.Harness;

/// <summary>What whoever runs the tests asked for by environment variables.</summary>
internal static class TestVariables
{
    /// <summary>The number in a variable, or another one where it is not set.</summary>
    /// <exception cref="FormatException">It is no number.</exception>
    public static int Number(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
