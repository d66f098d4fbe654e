using System.Security.Cryptography;
using System.Text;

namespace Predastore.Simulation.Tests.Store;

/// <summary>The bytes of everything written, by ETag. Every block of a body shows the canary that must be on no disk.</summary>
internal sealed class Bodies
{
    private readonly Dictionary<string, byte[]> _bodies = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _newest = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int[]> _parts = new(StringComparer.Ordinal);
    private int _count;

    /// <summary>What no disk may show.</summary>
    public static ReadOnlySpan<byte> Canary => "plaintext-canary"u8;

    public byte[] Of(string etag) => _bodies[etag];

    /// <summary>Sizes of its parts; one if it was written whole.</summary>
    public int[] PartsOf(string etag) => _parts.TryGetValue(etag, out int[]? parts) ? parts : [_bodies[etag].Length];

    /// <summary>ETag of the body made last for a key, or null.</summary>
    public string? Newest(string name) => _newest.GetValueOrDefault(name);

    public string Make(string name, int size, out byte[] body)
    {
        string etag = MakePart(size, out body);
        _newest[name] = etag;
        return etag;
    }

    public string MakePart(int size, out byte[] body)
    {
        byte[] block = [.. Canary, .. Encoding.ASCII.GetBytes($" of body {++_count,10} ")];
        body = new byte[size];
        for (int at = 0; at < size; at += block.Length)
            block.AsSpan(0, Math.Min(block.Length, size - at)).CopyTo(body.AsSpan(at));
        string etag = Hash(body);
        _bodies[etag] = body;
        return etag;
    }

    /// <summary>The object that Complete makes of parts.</summary>
    public string Join(string name, IReadOnlyList<byte[]> parts)
    {
        string etag = $"{Hash([.. parts.SelectMany(MD5.HashData)])}-{parts.Count}";
        _bodies[etag] = [.. parts.SelectMany(part => part)];
        _parts[etag] = [.. parts.Select(part => part.Length)];
        _newest[name] = etag;
        return etag;
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));
}
