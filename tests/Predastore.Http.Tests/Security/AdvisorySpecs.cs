using System.Reflection;
using System.Text.RegularExpressions;

namespace Predastore.Http.Tests.Security;

/// <summary>
/// The tests named after the advisories of other stores are all there. Each number is a row of the list of negative tests; a test that is
/// taken away has to be taken away here too.
/// </summary>
public sealed partial class AdvisorySpecs
{
    private static readonly Dictionary<string, int> TestsMin = new()
    {
        ["S1"] = 2, ["S2"] = 3, ["S4"] = 1, ["S5"] = 1, ["S6"] = 7, ["S8"] = 5, ["S10"] = 5, ["S11"] = 5, ["S12"] = 8, ["S13"] = 4, ["S14"] = 6,
        ["S15"] = 4, ["S16"] = 6, ["S17"] = 8, ["S26"] = 3, ["F19"] = 2,
    };

    [Fact]
    public void No_advisory_should_lose_its_tests()
    {
        Dictionary<string, int> found = typeof(AdvisorySpecs).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance))
            .Where(method => method.GetCustomAttribute<FactAttribute>() is { Skip: null })
            .Select(method => Advisory().Match(method.Name)).Where(match => match.Success)
            .GroupBy(match => match.Groups[1].Value).ToDictionary(group => group.Key, group => group.Count());
        string[] lost = [.. TestsMin.Where(row => found.GetValueOrDefault(row.Key) < row.Value).Select(row => $"{row.Key}: {found.GetValueOrDefault(row.Key)} of {row.Value}")];
        Assert.Empty(lost);
    }

    [GeneratedRegex("^([SF][0-9]+)_")]
    private static partial Regex Advisory();
}
