using System.Globalization;

namespace Predastore.Cluster.Tests.Chaos;

/// <summary>What happened to an operation.</summary>
public enum LedgerMark
{
    /// <summary>It is about to be sent.</summary>
    Begun = 'B',

    /// <summary>The server acknowledged it.</summary>
    Acked = 'A',

    /// <summary>The server refused it for certain: it never takes effect.</summary>
    Refused = 'R',

    /// <summary>Nobody knows: it may have taken effect, or may yet.</summary>
    Unknown = 'U',

    /// <summary>Every process that could still carry it out is dead, and the key was read: what it held then is what it holds.</summary>
    Settled = 'S',
}

/// <summary>One line of the ledger.</summary>
/// <param name="Operation">Number of the operation; one operation has a line when it begins and one when it ends.</param>
/// <param name="Content">SHA-256 of the key's bytes after it, in hexadecimal; <see cref="Absent"/> for a delete.</param>
public readonly record struct LedgerRecord(LedgerMark Mark, long Operation, string Key, string Content)
{
    /// <summary>The content of a key that is not there.</summary>
    public const string Absent = "-";

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(char)Mark} {Operation} {Content} {Key}");

    /// <exception cref="FormatException">The line is not a record.</exception>
    public static LedgerRecord Parse(string line)
    {
        string[] fields = line.Split(' ', 4);
        if (fields.Length != 4 || fields[0].Length != 1)
            throw new FormatException($"not a ledger record: {line}");
        return new LedgerRecord((LedgerMark)fields[0][0], long.Parse(fields[1], CultureInfo.InvariantCulture), fields[3], fields[2]);
    }
}
