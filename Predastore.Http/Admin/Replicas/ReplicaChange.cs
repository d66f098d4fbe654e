namespace Predastore.Http.Admin.Replicas;

/// <summary>What the actions that change one replica's part in the group take.</summary>
/// <param name="Node">Its node.</param>
/// <param name="Incarnation">16 hex digits, where the node has several; else the one there is.</param>
/// <param name="AcceptFewer">True if the group may survive the loss of fewer voters afterwards; for <c>replica/remove</c>.</param>
public sealed record ReplicaTarget(uint Node, string? Incarnation = null, bool AcceptFewer = false);

/// <summary>How a change stands.</summary>
/// <param name="Done">False if it is under way: the same request, asked again, carries it on.</param>
/// <param name="Message">One sentence for the operator.</param>
public sealed record ReplicaChange(bool Done, string Message);
