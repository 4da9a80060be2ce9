import Primitives
import Replication
import Wire

/// One partition of a fetch: what is asked, and, in a session, what the fetcher was last told of it. Shared: it is looked at with every
/// event of its partition. Owner: the broker's thread.
final class FetchItem {
    /// Empty where the fetch names topics by id.
    let topic: String
    /// Zero where it names them by name.
    let topicID: UUID
    let asked: FetchRequest.Partition
    /// -1: not told, or told of an error.
    var toldHighWatermark: Int64 = -1
    var toldLogStart: Int64 = -1
    /// In a follower's session: the replica, and its version when there was nothing to tell of it.
    var quiet: (replica: Replica, version: UInt64)?

    init(topic: String, topicID: UUID, asked: FetchRequest.Partition) {
        (self.topic, self.topicID, self.asked) = (topic, topicID, asked)
    }

    var isQuiet: Bool { if let quiet { quiet.replica.version == quiet.version } else { false } }
    var key: FetchItemKey { FetchItemKey(topicID: topicID, topic: topic, partition: asked.partition) }

    /// Whether an incremental answer has to name the partition (KIP-227): there is something its fetcher does not know.
    func mustTell(_ result: FetchResponse.Partition) -> Bool {
        result.records.count > 0 || result.errorCode.isError || result.highWatermark != toldHighWatermark
            || result.logStartOffset != toldLogStart || result.preferredReadReplica >= 0 || result.divergingEpoch.endOffset >= 0
    }

    /// After an error the next answer tells everything, and after word of a divergence too: a follower that cuts its log does not keep
    /// what else it was told.
    func told(_ result: FetchResponse.Partition) {
        let isKept = !result.errorCode.isError && result.divergingEpoch.endOffset < 0
        toldHighWatermark = isKept ? result.highWatermark : -1
        toldLogStart = isKept ? result.logStartOffset : -1
        quiet = nil
    }
}

struct FetchItemKey: Hashable, Comparable, Sendable {
    var topicID: UUID
    var topic: String
    var partition: Int32
    static func < (a: FetchItemKey, b: FetchItemKey) -> Bool {
        if a.topicID != b.topicID { return a.topicID < b.topicID }
        return a.topic == b.topic ? a.partition < b.partition : a.topic < b.topic
    }
}

/// A fetcher's partitions as the leader remembers them between requests (KIP-227). Owner: the broker's thread.
final class FetchSession {
    let id: Int32
    /// A follower's: it may push out consumers' sessions.
    let isPrivileged: Bool
    let usesTopicIDs: Bool
    let created: Instant
    var lastUsed: Instant
    /// Of the next request.
    var nextEpoch: Int32 = 1
    var items = OrderedMap<FetchItemKey, FetchItem>()
    /// The item that is served first: it moves on behind those that got data, so that none is starved.
    var first = 0
    /// When the follower's word was last taken for every partition, and not only for those that a request names.
    var acknowledgedAt = Instant.zero

    init(id: Int32, isPrivileged: Bool, usesTopicIDs: Bool, items: OrderedMap<FetchItemKey, FetchItem>, now: Instant) {
        self.id = id
        self.isPrivileged = isPrivileged
        self.usesTopicIDs = usesTopicIDs
        self.items = items
        (created, lastUsed) = (now, now)
    }

    func key(_ topic: String, _ topicID: UUID, _ partition: Int32) -> FetchItemKey {
        FetchItemKey(topicID: usesTopicIDs ? topicID : .zero, topic: usesTopicIDs ? "" : topic, partition: partition)
    }

    func advanceEpoch() { nextEpoch = nextEpoch == .max ? 1 : nextEpoch + 1 }

    /// Takes in what a request changes: partitions new or asked differently, and those forgotten.
    func update(_ request: FetchRequest) {
        for topic in request.topics {
            for partition in topic.partitions {
                let key = key(topic.topic, topic.topicID, partition.partition)
                let item = FetchItem(topic: key.topic, topicID: key.topicID, asked: partition)
                if let known = items[item.key] {
                    (item.toldHighWatermark, item.toldLogStart) = (known.toldHighWatermark, known.toldLogStart)
                }
                items[item.key] = item
            }
        }
        for topic in request.forgottenTopics {
            for partition in topic.partitions {
                items.remove(key(topic.topic, topic.topicID, partition))
            }
        }
    }
}

/// The fetch sessions of one broker: a bounded number of slots (`max.incremental.fetch.session.cache.slots`). A new session takes one that
/// is free or has been idle for two minutes; else a follower's takes a consumer's, and a larger one a smaller.
struct FetchSessions {
    static let idleMsMax: Int64 = 120_000

    let slots: Int
    private var sessions = OrderedMap<Int32, FetchSession>()

    init(slots: Int) { self.slots = slots }

    var count: Int { sessions.count }
    subscript(id: Int32) -> FetchSession? { sessions[id] }

    mutating func remove(_ id: Int32) { sessions.remove(id) }

    /// A session with these items; 0 where there is no room for it.
    mutating func create(
        _ items: OrderedMap<FetchItemKey, FetchItem>, isPrivileged: Bool, usesTopicIDs: Bool, now: Instant, random: inout PRNG
    ) -> Int32 {
        guard slots > 0, !items.isEmpty, makeRoom(isPrivileged, size: items.count, now) else { return 0 }
        var id: Int32 = 0
        while id <= 0 || sessions[id] != nil { id = Int32(truncatingIfNeeded: random.next() & 0x7fff_ffff) }
        sessions[id] = FetchSession(id: id, isPrivileged: isPrivileged, usesTopicIDs: usesTopicIDs, items: items, now: now)
        return id
    }

    private mutating func makeRoom(_ isPrivileged: Bool, size: Int, _ now: Instant) -> Bool {
        if sessions.count < slots { return true }
        guard let oldest = sessions.values.min(by: { $0.lastUsed < $1.lastUsed }) else { return false }
        if now.milliseconds(since: oldest.lastUsed) > FetchSessions.idleMsMax {
            sessions.remove(oldest.id)
            return true
        }
        let weaker = sessions.values.filter { other in
            if isPrivileged != other.isPrivileged { return isPrivileged }
            return other.items.count < size && now.milliseconds(since: other.created) > FetchSessions.idleMsMax
        }
        guard let victim = weaker.min(by: { ($0.isPrivileged ? 1 : 0, $0.items.count) < ($1.isPrivileged ? 1 : 0, $1.items.count) }) else {
            return false
        }
        sessions.remove(victim.id)
        return true
    }
}
