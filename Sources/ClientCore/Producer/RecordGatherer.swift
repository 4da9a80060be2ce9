import Primitives
import Records

/// Records that were gathered for one partition, encoded as they will be written; what a batch is made of without another copy.
package struct GatheredRecords: Sendable {
    package var partition: TopicPartition
    /// Names them in outcomes; the gatherer's own, each used once.
    package var serial: Int
    package var builder: BatchBuilder
    /// Of keys, values and headers.
    package var bytes: Int
    /// When the first of them came.
    package var openedAt: Instant
}

/// Gathers records by partition before a producer's machine sees them, so that one that joins others costs its encoding and little else.
/// Its host calls it on the threads that send, one at a time, and gives what it has gathered to the machine (`ProducerInput.gathered`).
///
/// Records go together until a batch is full, or the first of them has lingered. Only topics whose partitions the machine has told of
/// are known here; records of others, and those whose partition the caller's own code picks, are for the machine to place. Invariants:
/// (1) of a partition, what was placed earlier is taken earlier; (2) a topic that is known stays known, so that no record is placed by
/// the machine behind one that was placed here; (3) a batch holds `batchBytesMax`, or one record.
package struct RecordGatherer: Sendable {
    /// Where a record stands: in which open batch, and at which place of it.
    package struct Place: Equatable, Sendable {
        /// Of the batches that are open now; used again when it is closed.
        package var slot: Int
        package var serial: Int
        package var index: Int
    }

    private struct Open: Sendable {
        var gathered: GatheredRecords
        /// Which topic it is of; -1 where the slot is free.
        var topic: Int
        var count = 0
        /// Bytes of the batch, not less than it has.
        var size = BatchHeader.size
    }

    private struct Topic: Sendable {
        var name: String
        var partitions: Int32 = 0
        /// The partition's open batch, by its slot; -1 where it has none.
        var slots: [Int32] = []
        /// Partitions that have a leader.
        var writable: [Int32] = []
        /// Where records without a key go for now, and who was last in turn; -1: nowhere.
        var current: Int32 = -1
        /// What the last batch grew to: the next one likely will.
        var batchBytes = 0
    }

    private let partitioner: ProducerOptions.Partitioner
    private let batchBytesMax: Int
    private let lingerMs: Int64
    private let codec: Codec
    private var random: PRNG
    private var numbers: [String: Int] = [:]
    /// Of topics that are not known yet, how many records the machine places in turn before those that are placed here.
    private var turnsBefore: [String: Int] = [:]
    private var topics: [Topic] = []
    /// The topic of the last record; most come in runs.
    private var latest = 0
    /// Open batches; places of those that were closed are used again.
    private var open: [Open] = []
    private var free: [Int] = []
    private var nextSerial = 0
    /// Open batches by age, among them some that were closed as full.
    private var lingering: ArraySlice<(slot: Int, serial: Int)> = []
    private var full: [GatheredRecords] = []
    /// Whether a batch waits that cannot grow.
    package private(set) var hasFull = false

    package init(_ options: ProducerOptions) {
        partitioner = options.partitioner
        batchBytesMax = options.batchBytesMax
        lingerMs = options.lingerMs
        codec = options.codec
        random = PRNG(seed: options.seed)
    }

    /// A topic has so many partitions, and these have leaders.
    package mutating func learn(_ topic: String, partitions: Int32, writable: [Int32]) {
        let number = numbers[topic] ?? topics.count
        if number == topics.count {
            numbers[topic] = number
            topics.append(Topic(name: topic))
            let turns = turnsBefore.removeValue(forKey: topic) ?? 0
            if turns > 0, partitions > 0 { topics[number].current = Int32((turns - 1) % Int(partitions)) }
        }
        let more = Int(partitions) - topics[number].slots.count
        if more > 0 { topics[number].slots += [Int32](repeating: -1, count: more) }
        topics[number].partitions = partitions
        topics[number].writable = writable
    }

    // MARK: Placing

    /// Takes a record whose key, value and headers have so many bytes; nil where the machine has to place it. `now` is asked where a batch
    /// begins.
    package mutating func add(
        _ topic: String, _ partition: Int32?, timestamp: Timestamp, key: Bytes?, value: Bytes?, headers: [RecordHeader], bytes: Int,
        now: () -> Instant
    ) -> Place? {
        guard let number = number(of: topic) else {
            if case .roundRobin = partitioner, partition == nil { turnsBefore[topic, default: 0] += 1 }
            return nil
        }
        guard let partition = pick(number, partition, key, bytes) else { return nil }
        var slot = Int(topics[number].slots[Int(partition)])
        if slot >= 0 && !hasRoom(slot, bytes) {
            close(slot)
            slot = -1
        }
        if slot < 0 { slot = begin(number, partition, now()) }
        open[slot].gathered.builder.append(timestamp: timestamp, key: key, value: value, headers: headers)
        open[slot].gathered.bytes += bytes
        open[slot].size += bytes + ProducerMachine.recordOverhead
        open[slot].count += 1
        return Place(slot: slot, serial: open[slot].gathered.serial, index: open[slot].count - 1)
    }

    private func hasRoom(_ slot: Int, _ bytes: Int) -> Bool { open[slot].size + bytes + ProducerMachine.recordOverhead <= batchBytesMax }

    private mutating func number(of topic: String) -> Int? {
        if latest < topics.count, topics[latest].name == topic { return latest }
        guard let number = numbers[topic] else { return nil }
        latest = number
        return number
    }

    private mutating func pick(_ number: Int, _ said: Int32?, _ key: Bytes?, _ bytes: Int) -> Int32? {
        let count = topics[number].partitions
        if let said { return said >= 0 && said < count ? said : nil }
        switch partitioner {
        case .custom: return nil
        case .roundRobin:
            topics[number].current = (topics[number].current + 1) % count
            return topics[number].current
        case .byKey:
            if let key { return keyedPartition(key, of: count) }
        case .sticky: break
        }
        return stick(number, bytes)
    }

    /// Records without a key go to one partition until a batch of them is full or taken, and then to another (KIP-480, KIP-794).
    private mutating func stick(_ number: Int, _ bytes: Int) -> Int32 {
        let current = topics[number].current
        if current >= 0 && current < topics[number].partitions {
            let slot = Int(topics[number].slots[Int(current)])
            if slot < 0 || hasRoom(slot, bytes) { return current }
            close(slot)
        }
        let writable = topics[number].writable
        topics[number].current = writable.isEmpty ? Int32(random.below(Int(topics[number].partitions))) : random.pick(writable)
        return topics[number].current
    }

    private mutating func begin(_ number: Int, _ partition: Int32, _ now: Instant) -> Int {
        var builder = BatchBuilder(codec: codec)
        builder.reserve(min(topics[number].batchBytes, batchBytesMax))
        let name = TopicPartition(topics[number].name, partition)
        let gathered = GatheredRecords(partition: name, serial: nextSerial, builder: builder, bytes: 0, openedAt: now)
        let begun = Open(gathered: gathered, topic: number)
        let slot = free.popLast() ?? open.count
        if slot == open.count { open.append(begun) } else { open[slot] = begun }
        topics[number].slots[Int(partition)] = Int32(slot)
        lingering.append((slot, nextSerial))
        nextSerial += 1
        return slot
    }

    private mutating func close(_ slot: Int) {
        let closed = open[slot]
        // Whoever takes it is its only owner.
        open[slot].gathered.builder = BatchBuilder()
        open[slot].topic = -1
        free.append(slot)
        let partition = closed.gathered.partition.partition
        topics[closed.topic].slots[Int(partition)] = -1
        topics[closed.topic].batchBytes = closed.size
        if case .roundRobin = partitioner {} else if topics[closed.topic].current == partition { topics[closed.topic].current = -1 }
        full.append(closed.gathered)
        hasFull = true
    }

    private func isOpen(_ age: (slot: Int, serial: Int)) -> Bool {
        open[age.slot].topic >= 0 && open[age.slot].gathered.serial == age.serial
    }

    // MARK: Taking

    /// What is full and what has lingered, in the order in which it was closed; or all there is.
    package mutating func take(now: Instant, all: Bool = false) -> [GatheredRecords] {
        while let oldest = lingering.first {
            if isOpen(oldest) {
                guard all || due(oldest.slot) <= now else { break }
                close(oldest.slot)
            }
            lingering.removeFirst()
        }
        defer { (full, hasFull) = ([], false) }
        return full
    }

    /// When the oldest open batch will have lingered; nil where there is none.
    package var nextDue: Instant? { lingering.first(where: isOpen).map { due($0.slot) } }

    private func due(_ slot: Int) -> Instant { open[slot].gathered.openedAt.adding(milliseconds: lingerMs) }
}
