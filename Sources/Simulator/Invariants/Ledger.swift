import Broker
import Primitives
import Records
import Replication
import Storage
import Wire

/// Who sent what, where it was committed, who was told so, and who has read it. Rules, by the names they are reported under:
///
/// - `exactly-once`: a record of an idempotent producer is committed at most once, and once where it was acknowledged.
/// - `order`: a producer's records stand in each partition in the order in which they were sent.
/// - `acknowledged`: what was acknowledged is committed at that moment, at the offset that was told.
/// - `read`: a consumer is given what is committed, at its offset, unchanged, and nothing else.
/// - `one-owner`: of a group of KIP-848 no partition is written down for two members at the same time; `Owners` has what members believe.
/// - `group-offset`: the committed offset of a group never goes back, but for a commit whose connection its client has lost: the protocol
///   does not number commits, and one that was on its way may arrive long after the client has sent a newer one elsewhere.
/// - `hasty`: what a leader alone acknowledged (acks=1) is lost only where another leader began, later, without it. Such
///   records may come twice and in another order.
///
/// A record's value is `producer.number`, so that everything can be told from the record itself. Owner: the simulation.
package final class Ledger {
    /// A record: the producer's index and the producer's own number for it.
    package struct Name: Hashable {
        package var producer: Int
        package var number: Int
        package init(producer: Int, number: Int) { (self.producer, self.number) = (producer, number) }

        /// Producers from here on are content with acks=1.
        static let firstHasty = 100
        var isHasty: Bool { producer >= Name.firstHasty }

        package var value: Bytes { Bytes("\(producer).\(number)") }

        init?(_ value: Bytes?) {
            guard let parts = value?.lossyString.split(separator: "."), parts.count == 2, let producer = Int(parts[0]),
                let number = Int(parts[1])
            else { return nil }
            self.init(producer: producer, number: number)
        }
    }

    struct Place: Hashable, CustomStringConvertible {
        var partition: TopicPartition
        var offset: Int64
        var description: String { "\(offset) of \(partition)" }
    }

    private unowned let world: World
    private let auditor: Auditor
    private var places: [Name: Place] = [:]
    /// What stands in each partition, ascending by offset.
    private var contents: OrderedMap<TopicPartition, [(offset: Int64, name: Name)]> = OrderedMap()
    private var lastOfProducer: [Pair: Int] = [:]
    private var groupOffsets: OrderedMap<GroupPartition, Int64> = OrderedMap()
    /// Commits whose connections their clients lost.
    private var doubtful: OrderedMap<GroupPartition, Set<Int64>> = OrderedMap()
    /// By group and member.
    private var shares: OrderedMap<String, OrderedMap<String, Set<Share>>> = OrderedMap()
    /// By transactions that are open.
    private var pendingOffsets: [OffsetWriter: [Record]] = [:]
    private var readByGroup: [String: Set<Place>] = [:]
    private var hastyPlaces: [Name: Set<Place>] = [:]
    /// What was acknowledged by a leader that had it at that moment, and in which epoch.
    private var hastyPromises: [(name: Name, place: Place, epoch: LeaderEpoch)] = []
    package private(set) var hastyAcknowledged = 0
    package private(set) var hastyLost = 0
    package private(set) var acknowledged = 0
    package private(set) var given = 0

    private struct Share: Hashable, Comparable {
        var topicID: UUID
        var partition: Int32
        static func < (a: Self, b: Self) -> Bool { a.topicID == b.topicID ? a.partition < b.partition : a.topicID < b.topicID }
    }
    private struct Pair: Hashable {
        var producer: Int
        var partition: TopicPartition
    }
    private struct OffsetWriter: Hashable {
        var partition: TopicPartition
        var producerID: Int64
    }
    struct GroupPartition: Comparable {
        var group: String
        var partition: TopicPartition
        static func < (a: Self, b: Self) -> Bool { a.group == b.group ? a.partition < b.partition : a.group < b.group }
    }

    package init(_ world: World, _ auditor: Auditor) {
        self.world = world
        self.auditor = auditor
        auditor.onCommit = { [unowned self] partition, batch in committed(partition, batch) }
        world.onDoubtfulCommit = { [unowned self] request in doubt(request) }
    }

    // MARK: What is committed

    private func committed(_ partition: TopicPartition, _ batch: RecordBatch) {
        if partition.topic == "__consumer_offsets" { return committedByGroup(partition, batch) }
        guard !partition.topic.hasPrefix("__"), !batch.header.isControl, let records = try? batch.records(.uncompressed) else { return }
        for record in records {
            guard let name = Name(record.value) else { continue }
            let place = Place(partition: partition, offset: record.offset.rawValue)
            if name.isHasty {
                hastyPlaces[name, default: []].insert(place)
                contents[partition, default: []].append((place.offset, name))
                continue
            }
            if let before = places[name] {
                world.violated("exactly-once", "\(name.value.lossyString) is committed at \(before), and at \(place)")
            }
            places[name] = place
            contents[partition, default: []].append((place.offset, name))
            let pair = Pair(producer: name.producer, partition: partition)
            if let last = lastOfProducer[pair], last >= name.number {
                let text = "producer \(name.producer) sent \(name.number) before \(last), but it stands behind it"
                world.violated("order", "\(place): \(text)")
            }
            lastOfProducer[pair] = name.number
        }
    }

    private func doubt(_ request: OffsetCommitRequest) {
        for topic in request.topics {
            // From version 10 on a topic is told by its id.
            let name = topic.name.isEmpty ? world.topicName(topic.topicID) ?? "" : topic.name
            for partition in topic.partitions {
                let place = GroupPartition(group: request.groupID, partition: TopicPartition(name, partition.partitionIndex))
                doubtful[place, default: []].insert(partition.committedOffset)
            }
        }
    }

    /// What a transaction commits counts from its marker on, if at all.
    private func committedByGroup(_ partition: TopicPartition, _ batch: RecordBatch) {
        guard let records = try? batch.records(.uncompressed) else { return }
        let writer = OffsetWriter(partition: partition, producerID: batch.header.producerID)
        if batch.header.isControl {
            let pending = pendingOffsets.removeValue(forKey: writer) ?? []
            guard let first = records.first, let marker = EndTransactionMarker(first), marker.isCommit else { return }
            return committedByGroup(pending)
        }
        guard batch.header.isTransactional else { return committedByGroup(records) }
        pendingOffsets[writer, default: []] += records
    }

    private func committedByGroup(_ records: [Record]) {
        for record in records {
            guard let key = record.key else { continue }
            if case .consumerGroupCurrentMemberAssignment(let whose)? = try? GroupRecordKey.decode(key) {
                assigned(record.value, to: whose.memberID, of: whose.groupID)
            }
            guard let value = record.value, case .offsetCommit(let what)? = try? GroupRecordKey.decode(key),
                let commit = try? OffsetCommitValue.decodeValue(value)
            else { continue }
            let place = GroupPartition(group: what.group, partition: TopicPartition(what.topic, what.partition))
            if let before = groupOffsets[place], commit.offset < before, doubtful[place]?.contains(commit.offset) != true {
                let text = "went back from \(before) to \(commit.offset)"
                world.violated("group-offset", "group \(place.group): the offset of \(place.partition) \(text)")
            }
            groupOffsets[place] = commit.offset
        }
    }

    /// What the coordinator has written of a member's partitions (KIP-848): those it has and those it is giving up are nobody else's.
    private func assigned(_ value: Bytes?, to member: String, of group: String) {
        let written = value.flatMap { try? ConsumerGroupCurrentMemberAssignmentValue.decodeValue($0) }
        var mine: Set<Share> = []
        for topic in (written?.assignedPartitions ?? []) + (written?.partitionsPendingRevocation ?? []) {
            for partition in topic.partitions { mine.insert(Share(topicID: topic.topicID, partition: partition)) }
        }
        for (other, theirs) in shares[group] ?? OrderedMap() where other != member {
            guard let both = mine.intersection(theirs).min() else { continue }
            let name = world.topicName(both.topicID) ?? both.topicID.text
            world.violated("one-owner", "group \(group): \(name)-\(both.partition) is \(member)'s and \(other)'s at the same time")
        }
        shares[group, default: OrderedMap()][member] = mine.isEmpty ? nil : mine
    }

    // MARK: What clients are told

    package func delivered(_ name: Name, _ partition: TopicPartition, _ offset: Offset) {
        if name.isHasty { return hastily(name, partition, offset) }
        acknowledged += 1
        let text = name.value.lossyString
        guard let place = places[name] else {
            let end = auditor.committedEnd(partition)
            return world.violated("acknowledged", "\(text) at \(offset) of \(partition), which is committed up to \(end)")
        }
        guard place.partition == partition, offset == .none || place.offset == offset.rawValue else {
            return world.violated("acknowledged", "\(text) at \(offset) of \(partition), but it stands at \(place)")
        }
    }

    /// A leader has acknowledged by itself. Where it is gone already nobody can say what became of its word.
    private func hastily(_ name: Name, _ partition: TopicPartition, _ offset: Offset) {
        hastyAcknowledged += 1
        for node in world.nodes.values {
            guard let replica = node.memory?.broker.heldReplicas.first(where: { $0.partition == partition && $0.isLeader }),
                let batch = (try? replica.log.readBatches(from: offset, below: offset + 1))?.first,
                (try? batch.records(.uncompressed))?.contains(where: { $0.offset == offset && Name($0.value) == name }) == true
            else { continue }
            let place = Place(partition: partition, offset: offset.rawValue)
            return hastyPromises.append((name, place, batch.header.partitionLeaderEpoch))
        }
    }

    /// When all works again: whether what is missing may be.
    func checkHasty() {
        for (name, place, epoch) in hastyPromises where hastyPlaces[name]?.contains(place) != true {
            hastyLost += 1
            if auditor.wasLeftBehind(place.partition, Offset(place.offset), of: epoch) { continue }
            let text = "\(name.value.lossyString) at \(place) was acknowledged in epoch \(epoch)"
            world.violated("hasty", "\(text) and is gone, though every later leader began with it")
        }
    }

    /// A consumer was given a record.
    package func read(_ partition: TopicPartition, _ offset: Offset, _ value: Bytes?, by reader: String, group: String? = nil) {
        given += 1
        let text = value?.lossyString ?? "null"
        guard let name = Name(value) else { return world.violated("read", "\(reader) was given \(text) at \(offset) of \(partition)") }
        let place = Place(partition: partition, offset: offset.rawValue)
        guard name.isHasty ? hastyPlaces[name]?.contains(place) == true : places[name] == place else {
            let truth = places[name].map { "stands at \($0)" } ?? "is not committed"
            return world.violated("read", "\(reader) was given \(text) at \(offset) of \(partition), but it \(truth)")
        }
        if let group { readByGroup[group, default: []].insert(Place(partition: partition, offset: offset.rawValue)) }
    }

    // MARK: At the end

    /// Whether a reader that began at the beginning was given everything of a partition, once, in order.
    package func check(_ offsets: [Int64], of partition: TopicPartition, by reader: String) {
        let wanted = (contents[partition] ?? []).map(\.offset)
        guard offsets != wanted else { return }
        let missing = wanted.first { offset in !offsets.contains(offset) }
        let what = missing.map { "was not given \($0)" } ?? "was given \(offsets.count) records instead of \(wanted.count)"
        world.violated("read", "\(reader) read all of \(partition) and \(what)")
    }

    package var partitions: [TopicPartition] { contents.keys }
    package func end(of partition: TopicPartition) -> Int64 { (contents[partition]?.last?.offset ?? -1) + 1 }

    /// How much of what is committed in the topics a group has not been given yet.
    package func unread(by group: String, topics: [String]) -> Int {
        let read = readByGroup[group] ?? []
        return contents.reduce(0) { sum, entry in
            guard topics.contains(entry.key.topic) else { return sum }
            return sum + entry.value.reduce(0) { $0 + (read.contains(Place(partition: entry.key, offset: $1.offset)) ? 0 : 1) }
        }
    }
}
