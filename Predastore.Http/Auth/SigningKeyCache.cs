using System.Collections.Concurrent;

namespace Predastore.Http.Auth;

/// <summary>
/// Signing keys by scope: four HMACs saved per request. Bounded, and emptied when full: a key is made again in microseconds.
/// Thread-safe.
/// </summary>
public sealed class SigningKeyCache
{
    private const int KeysMax = 1024;

    private readonly ConcurrentDictionary<(string Id, string Scope), (string Secret, byte[] Key)> _keys = new();

    /// <summary>The key of a known access key. An entry of an older secret is made anew.</summary>
    public byte[] Get(AccessKey key, in CredentialScope scope)
    {
        (string, string) at = (key.Id, scope.Scope);
        if (_keys.TryGetValue(at, out (string Secret, byte[] Key) found) && found.Secret == key.Secret)
            return found.Key;
        byte[] made = SigV4.SigningKey(key.Secret, scope.Date, scope.Region, scope.Service);
        if (_keys.Count >= KeysMax)
            _keys.Clear();
        _keys[at] = (key.Secret, made);
        return made;
    }
}
