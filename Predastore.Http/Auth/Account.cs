namespace Predastore.Http.Auth;

/// <summary>Who owns buckets and objects.</summary>
/// <param name="Id">Account id: 12 digits; what rows store as the owner.</param>
/// <param name="DisplayName">Shown as the owner's name.</param>
/// <param name="CanonicalId">64 hex digits; shown as the owner's id.</param>
/// <param name="Email">Names the account in grants; null for none.</param>
/// <param name="IsAdmin">True if it may read <c>/_/status</c>.</param>
public sealed record Account(string Id, string DisplayName, string CanonicalId, string? Email = null, bool IsAdmin = false);

/// <summary>One access key.</summary>
public sealed record AccessKey(string Id, string Secret, Account Account)
{
    /// <summary>Names the key and never the secret: records print all members, and they end in logs.</summary>
    public override string ToString() => $"AccessKey {{ {Id}, account {Account.Id} }}";
}

/// <summary>The seam to wherever identities live. Thread-safe, and quick: it is asked once per request.</summary>
public interface IAccounts
{
    /// <summary>The key of that id; null if there is none.</summary>
    AccessKey? FindKey(string accessKeyId);

    /// <summary>The account of that id; null if there is none (any more).</summary>
    Account? FindAccount(string accountId);

    /// <summary>The account of that canonical id or, for grants by e-mail, of that address; null if there is none.</summary>
    Account? FindGrantee(string canonicalIdOrEmail);
}

/// <summary>Accounts that were given at start.</summary>
public sealed class FixedAccounts : IAccounts
{
    private readonly Dictionary<string, AccessKey> _keys;
    private readonly Dictionary<string, Account> _accounts = [];

    public FixedAccounts(IEnumerable<AccessKey> keys)
    {
        _keys = keys.ToDictionary(key => key.Id, StringComparer.Ordinal);
        foreach (AccessKey key in _keys.Values)
            _accounts[key.Account.Id] = key.Account;
    }

    /// <inheritdoc/>
    public AccessKey? FindKey(string accessKeyId) => _keys.GetValueOrDefault(accessKeyId);

    /// <inheritdoc/>
    public Account? FindAccount(string accountId) => _accounts.GetValueOrDefault(accountId);

    /// <inheritdoc/>
    public Account? FindGrantee(string canonicalIdOrEmail) => _accounts.Values.FirstOrDefault(account =>
        account.CanonicalId == canonicalIdOrEmail || string.Equals(account.Email, canonicalIdOrEmail, StringComparison.OrdinalIgnoreCase));
}
