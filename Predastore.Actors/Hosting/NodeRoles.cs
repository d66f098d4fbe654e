using System.Globalization;

namespace Predastore.Actors.Hosting;

/// <summary>
/// What a member of the Akka cluster says of itself. Roles are gossiped, so every node learns from them which node number a
/// member is: the role <c>node-N</c>.
/// </summary>
public static class NodeRoles
{
    /// <summary>Holds a metadata replica.</summary>
    public const string Db = "db";

    /// <summary>Holds shards.</summary>
    public const string Storage = "storage";

    /// <summary>Serves S3.</summary>
    public const string Gate = "gate";

    private const string NumberPrefix = "node-";

    /// <summary>The role that carries a node number.</summary>
    public static string OfNumber(uint node) => NumberPrefix + node.ToString(CultureInfo.InvariantCulture);

    /// <summary>The node number among a member's roles; false if there is none, or several.</summary>
    public static bool TryNumber(IEnumerable<string> roles, out uint node)
    {
        node = 0;
        int found = 0;
        foreach (string role in roles)
        {
            if (role.StartsWith(NumberPrefix, StringComparison.Ordinal)
                && uint.TryParse(role.AsSpan(NumberPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
            {
                node = number;
                found++;
            }
        }

        return found == 1;
    }
}
