using System.Reflection;
using Akka.Configuration;

namespace Predastore.Actors.Hosting;

/// <summary>
/// The HOCON files of <c>hocon/</c>, which are part of the assembly, so that a node never runs with values that do not belong to
/// its program.
/// </summary>
public static class NodeConfiguration
{
    /// <summary>Name of every actor system of a cluster; part of every actor address.</summary>
    public const string SystemName = "predastore";

    /// <summary>The values for a profile, without Akka's own defaults and without what code sets.</summary>
    public static Config Load(TimingProfile timing) => Read(FileOf(timing)).WithFallback(Read("predastore.conf"));

    internal static string FileOf(TimingProfile timing) => timing switch
    {
        TimingProfile.Development => "development.conf",
        TimingProfile.Production => "production.conf",
        _ => throw new ArgumentOutOfRangeException(nameof(timing)),
    };

    /// <summary>One file, parsed by itself.</summary>
    internal static Config Read(string file)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"hocon/{file}")
            ?? throw new InvalidOperationException($"hocon/{file} is not in the assembly");
        using var reader = new StreamReader(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd());
    }
}
