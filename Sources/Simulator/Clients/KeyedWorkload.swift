import Broker
import ClientCore
import Controller
import Primitives
import Records
import Replication
import Storage

/// Producers of keyed records, tombstones among them, for a cluster that compacts its topics all the time. Rules, by the names they are
/// reported under:
///
/// - `acknowledged`: what was acknowledged is committed at that moment, at the offset that was told.
/// - `compacted`: each replica's log, and whoever reads it from the beginning, ends with the last committed value of every key; a key
///   whose last record is a tombstone has no value; and no record is there that was not committed so at that offset.
/// - `liveness`: where tombstones are kept for a short time, none is left some time after the last one was written.
///
/// Owner: the simulation.
final class KeyedWorkload {
    private struct Committed {
        var key: Bytes?
        var value: Bytes?
    }

    private unowned let world: World
    private let auditor: Auditor
    private let swarm: Swarm
    private var random: PRNG
    private var runs: [MachineRun<ProducerMachine>] = []
    private var sent = 0
    private(set) var settled = 0
    private(set) var acknowledged = 0
    private var isSending = true
    private var committed: OrderedMap<TopicPartition, OrderedMap<Int64, Committed>> = OrderedMap()
    private let keys: Int

    var outstanding: Int { sent - settled }

    init(_ world: World, _ auditor: Auditor, _ swarm: Swarm, _ random: PRNG) {
        (self.world, self.auditor, self.swarm, self.random) = (world, auditor, swarm, random)
        keys = 4 + self.random.below(60)
        let before = auditor.onCommit
        auditor.onCommit = { [unowned self] partition, batch in
            before(partition, batch)
            take(partition, batch)
        }
    }

    private func take(_ partition: TopicPartition, _ batch: RecordBatch) {
        guard swarm.keyed.contains(where: { $0.name == partition.topic }), !batch.header.isControl else { return }
        for record in (try? batch.records(.uncompressed)) ?? [] {
            committed[partition, default: OrderedMap()][record.offset.rawValue] = Committed(key: record.key, value: record.value)
        }
    }

    // MARK: Producers

    func start() {
        for index in 0..<2 {
            var options = ProducerOptions()
            options.seed = random.next()
            options.deliveryTimeoutMs = [5_000, 20_000][random.below(2)]
            let client = world.addClient("keyed\(index)")
            let run = client.host(ProducerMachine(options, codecs: .uncompressed)) { [unowned self] output in
                settled += 1
                guard case .delivered(_, let partition, let offset) = output else { return }
                acknowledged += 1
                guard offset != .none, committed[partition]?[offset.rawValue] == nil else { return }
                world.violated("acknowledged", "offset \(offset) of \(partition) is not committed")
            }
            runs.append(run)
            run.start()
            sendLater(index)
        }
    }

    private func sendLater(_ index: Int) {
        let pause = Int64(random.below(2_000_000 * max(1, swarm.sendEveryMs / 3) + 1))
        world.schedule(at: Instant(nanoseconds: world.now.nanoseconds + pause)) { [unowned self] in
            guard isSending else { return }
            for _ in 0..<(1 + random.below(4)) { send(index) }
            sendLater(index)
        }
    }

    private func send(_ index: Int) {
        let value = random.oneIn(6) ? nil : Bytes("value \(sent) of \(index)")
        let record = ProducerRecord(topic: random.pick(swarm.keyed).name, key: Bytes("k\(random.below(keys))"), value: value)
        runs[index].receive(.send(number: sent, record))
        sent += 1
    }

    func stopSending() { isSending = false }

    /// Writes one key to each partition, so that segments are rolled and what is older can be compacted.
    func fill() {
        for topic in swarm.keyed {
            for partition in 0..<topic.partitions {
                let record = ProducerRecord(topic: topic.name, partition: partition, key: Bytes("filler"), value: Bytes("value \(sent)"))
                runs[0].receive(.send(number: sent, record))
                sent += 1
            }
        }
    }

    /// A tombstone that is still there, on any replica.
    var tombstone: String? {
        for node in world.nodes.values {
            for replica in node.broker?.heldReplicas ?? [] where committed[replica.partition] != nil {
                for record in records(replica) where record.value == nil {
                    let place = "\(record.offset) of \(replica.partition) on broker \(node.id)"
                    return "a tombstone of \(record.key?.lossyString ?? "null") at \(place)"
                }
            }
        }
        return nil
    }

    // MARK: At the end

    /// Whether every replica's log says the same of each key.
    func checkReplicas() {
        for node in world.nodes.values {
            for replica in node.broker?.heldReplicas ?? [] where committed[replica.partition] != nil {
                let place = "\(replica.partition) on broker \(node.id), read to \(replica.highWatermark) of \(replica.log.logEndOffset)"
                check(records(replica), of: replica.partition, place)
            }
        }
    }

    private func records(_ replica: Replica) -> [(offset: Int64, key: Bytes?, value: Bytes?)] {
        var found: [(offset: Int64, key: Bytes?, value: Bytes?)] = []
        var next = replica.log.logStartOffset
        while let batches = try? replica.log.readBatches(from: next, below: replica.highWatermark), let last = batches.last {
            for batch in batches where !batch.header.isControl {
                for record in (try? batch.records(.uncompressed)) ?? [] { found.append((record.offset.rawValue, record.key, record.value)) }
            }
            next = last.header.nextOffset
        }
        return found
    }

    /// What somebody found who read a partition from its beginning.
    func check(_ found: [(offset: Int64, key: Bytes?, value: Bytes?)], of partition: TopicPartition, _ place: String) {
        let truth = committed[partition] ?? OrderedMap()
        var wanted: OrderedMap<String, Bytes?> = OrderedMap()
        for record in truth.values { wanted[record.key?.lossyString ?? ""] = .some(record.value) }
        var read: OrderedMap<String, Bytes?> = OrderedMap()
        var last: Int64 = -1
        for record in found {
            guard record.offset > last else { return world.violated("compacted", "\(place): offset \(record.offset) after \(last)") }
            last = record.offset
            guard let original = truth[record.offset], original.key == record.key, original.value == record.value else {
                return world.violated("compacted", "\(place): what stands at \(record.offset) was not committed there")
            }
            read[record.key?.lossyString ?? ""] = .some(record.value)
        }
        for (key, value) in wanted {
            let seen = read[key] ?? nil
            guard seen != value else { continue }
            let (is_, was) = (seen?.lossyString ?? "nothing", value?.lossyString ?? "a tombstone")
            world.violated("compacted", "\(place): the last value of \(key) is \(was), but \(is_) is read")
            return
        }
    }
}

extension Swarm {
    /// A cluster whose topics are all compacted, their segments young and small, with everything else as a seed draws it.
    package static func compacting(_ random: inout PRNG, brokers: Int? = nil) -> Swarm {
        var swarm = Swarm(&random, brokers: brokers)
        (swarm.keyed, swarm.topics, swarm.bank) = (swarm.topics, [], nil)
        (swarm.producers, swarm.consumers, swarm.hastyProducers) = (0, 0, 0)
        swarm.faults[.topicChange] = nil
        // Who is away for longer than tombstones are kept never hears of them: Kafka's rule for delete.retention.ms, for followers too. So
        // tombstones go only where nobody is away for long and all clocks agree.
        let isBrief = random.oneIn(2)
        if isBrief {
            for fault in FaultClass.allCases where ![.reset, .electLeaders, .slowDisk].contains(fault) { swarm.faults[fault] = nil }
        }
        swarm.isForgetful = isBrief
        swarm.safetyMs = 6_000 + Int64(random.below(4_000))
        swarm.settings += [
            "log.cleanup.policy=compact", "log.roll.ms=\(200 + random.below(600))", "log.segment.delete.delay.ms=\(random.below(500))",
            "log.cleaner.min.cleanable.ratio=\(random.oneIn(2) ? "0.01" : "0.3")",
            "log.cleaner.delete.retention.ms=\(isBrief ? 1500 : 600_000)",
        ] + Swarm.cleaner(&random)
        return swarm
    }
}

extension Simulation {
    /// One seed of a cluster that compacts.
    package static func compacting(seed: UInt64, mutations: Mutations = [], brokers: Int? = nil) throws -> Simulation {
        var random = PRNG(seed: seed &* 0xd134_2543_de82_ef95)
        return try Simulation(seed: seed, mutations: mutations, brokers: brokers, swarm: Swarm.compacting(&random, brokers: brokers))
    }

    /// Time passes and something is written, until all tombstones have had their time.
    private func outliveTombstones(_ keyed: KeyedWorkload) -> Bool {
        let isOver = wait("the tombstones are gone", Simulation.livenessMs) {
            keyed.fill()
            return keyed.tombstone
        }
        return isOver && wait("the last keyed records have an outcome", Simulation.livenessMs) {
            keyed.outstanding == 0 ? nil : "\(keyed.outstanding) have none"
        }
    }

    /// A fresh reader reads all compacted topics from the beginning, and every replica is looked at.
    func readEverythingKeyed(_ keyed: KeyedWorkload) {
        if swarm.isForgetful, !outliveTombstones(keyed) { return }
        var found: OrderedMap<TopicPartition, [(offset: Int64, key: Bytes?, value: Bytes?)]> = OrderedMap()
        var options = ReaderOptions(topics: swarm.keyed.map(\.name), start: .earliest, stop: .atEnd)
        options.damage = .wait
        let reader = world.addClient("auditor").host(TopicReaderMachine(options, codecs: .uncompressed)) { output in
            guard case .records(let records, _, _) = output else { return }
            for record in records { found[record.partition, default: []].append((record.offset.rawValue, record.key, record.value)) }
        }
        reader.start()
        guard wait("the last reader is done", Simulation.livenessMs, { reader.isEnded ? nil : "it still reads" }) else { return }
        for (partition, records) in found { keyed.check(records, of: partition, "the last reader of \(partition)") }
        keyed.checkReplicas()
    }
}
