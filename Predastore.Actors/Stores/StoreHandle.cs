using Akka.Actor;
using Predastore.Shards.Segments;

namespace Predastore.Actors.Stores;

/// <summary>A storage id of this process: its store, read directly, and the actor that changes it; null once that has ended.</summary>
public sealed record StoreHandle(uint StorageId, SegmentStore Store, IActorRef? Actor);
