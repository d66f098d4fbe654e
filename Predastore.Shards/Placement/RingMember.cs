namespace Predastore.Shards.Placement;

/// <summary>One storage id as the ring sees it.</summary>
/// <param name="StorageId">The <c>[[storage]] id</c>; unique in a ring.</param>
/// <param name="Node">Node number that owns the disk.</param>
/// <param name="Host">Host of the node: what dies together with a machine.</param>
/// <param name="Zone">Zone of the host; empty if zones are not used.</param>
/// <param name="Weight">Configured capacity, relative to the other members; from 0.01 to 1000. Never live free space.</param>
public readonly record struct RingMember(uint StorageId, uint Node, string Host, string Zone, double Weight);
