import Broker
import ClientCore
import Controller
import Primitives
import Records
import Wire

/// One seed from beginning to end: a cluster and its clients, a phase in which anything may fail, a phase in which everything must
/// converge, and a last look at what was promised.
package final class Simulation {
    package struct Outcome: Sendable {
        package var seed: UInt64
        package var hash: UInt64
        package var violations: [Violation]
        package var milliseconds: Int64
        package var events: Int
        package var faults: OrderedMap<FaultClass, Int>
        package var sent: Int
        package var acknowledged: Int
        package var read: Int
        package var metadataChanges: Int
        /// Acknowledged by a leader alone, and of them lost with it.
        package var hasty: (acknowledged: Int, lost: Int)
        package var bank: BankFigures?
        package var isClean: Bool { violations.isEmpty }
    }

    package let seed: UInt64
    package let swarm: Swarm
    package let world: World
    let auditor: Auditor
    let ledger: Ledger
    let workload: Workload
    let faults: FaultPlan
    let bank: Bank?
    /// Where topics are compacted.
    let keyed: KeyedWorkload?

    /// How long the cluster has to converge once everything works, in virtual milliseconds.
    static let livenessMs: Int64 = 90_000
    /// The same for a bank that faults do not leave alone before it is done.
    static let bankMs: Int64 = 7_200_000

    /// `swarm` replaces what the seed would draw.
    package init(seed: UInt64, mutations: Mutations = [], brokers: Int? = nil, swarm given: Swarm? = nil) throws {
        self.seed = seed
        var random = PRNG(seed: seed &* 0x9e37_79b9_7f4a_7c15)
        let drawn = Swarm(&random, brokers: brokers)
        swarm = given ?? drawn
        let settings = swarm.settings.map { text in
            let parts = text.split(separator: "=", maxSplits: 1)
            return (String(parts[0]), String(parts[1]))
        }
        world = try World(
            seed: seed, brokers: swarm.brokers, settings: settings, roles: swarm.roles, racks: swarm.racks, mutations: mutations)
        world.network.delaySpread = swarm.delayMaxMicros * 1000
        world.network.straggles = swarm.straggles
        for node in world.nodes.values { node.disk.syncCost = swarm.diskSyncMicros * 1000 }
        auditor = Auditor(world)
        ledger = Ledger(world, auditor)
        workload = Workload(world, ledger, swarm, PRNG(seed: random.next()))
        let faultSeed = random.next()
        bank = swarm.bank.map { [world] plan in Bank(world, plan, PRNG(seed: random.next())) }
        faults = FaultPlan(world, workload, bank, swarm, PRNG(seed: faultSeed))
        keyed = swarm.keyed.isEmpty
            ? nil : KeyedWorkload(world, auditor, swarm, PRNG(seed: random.next()))
    }

    /// Runs one seed as it is, without looking at its trace.
    package static func run(seed: UInt64, mutations: Mutations = [], brokers: Int? = nil) throws -> Outcome {
        let simulation = try Simulation(seed: seed, mutations: mutations, brokers: brokers)
        return simulation.run()
    }

    @discardableResult
    package func run() -> Outcome {
        world.startAll()
        if wait("every broker is ready", Simulation.livenessMs, { allReady() }), makeTopics() {
            workload.start()
            keyed?.start()
            bank?.start()
            faults.begin()
            if let bank, bank.plan.isWhole {
                _ = wait("all transfers are booked", Simulation.bankMs) { bank.problem }
            } else {
                world.run(milliseconds: swarm.safetyMs)
            }
            if world.violations.isEmpty { converge() }
        }
        return outcome
    }

    package var outcome: Outcome {
        Outcome(
            seed: seed, hash: world.trace.hash, violations: world.violations, milliseconds: world.milliseconds, events: world.eventsHandled,
            faults: faults.counts, sent: workload.sent, acknowledged: ledger.acknowledged + (keyed?.acknowledged ?? 0), read: ledger.given,
            metadataChanges: workload.admin.answered,
            hasty: (ledger.hastyAcknowledged, ledger.hastyLost), bank: bank.map { BankFigures($0, faults) })
    }

    private func makeTopics() -> Bool {
        var made = 0
        let plans = swarm.allTopics
        for plan in plans { workload.admin.make(plan) { made += 1 } }
        guard wait("the topics are made", Simulation.livenessMs, { made == plans.count ? nil : "\(made) of \(plans.count)" }) else {
            return false
        }
        lookAtRacks()
        guard let bank else { return true }
        bank.fund()
        return wait("the bank's transfers are written", Simulation.livenessMs) { bank.fundingProblem }
    }

    /// New topics are spread over as many racks as they can be.
    private func lookAtRacks() {
        guard swarm.racks > 0, let image = world.anyBroker.flatMap({ world.node($0).broker?.image }) else { return }
        func racks(_ ids: [BrokerID]) -> Int { Set(ids.compactMap { image.brokers[$0]?.rack }).count }
        let all = racks(image.brokers.keys)
        for plan in swarm.allTopics {
            for (number, partition) in image.topic(plan.name)?.partitions ?? OrderedMap() {
                let (found, wanted) = (racks(partition.replicas), min(all, partition.replicas.count))
                guard found < wanted else { continue }
                world.violated("racks", "\(plan.name)-\(number) on brokers \(partition.replicas) is in \(found) racks, not in \(wanted)")
            }
        }
    }

    private func converge() {
        faults.mendAll()
        world.run(milliseconds: 1000)
        workload.stopSending()
        keyed?.stopSending()
        workload.reviveConsumers()
        let liveness = Liveness(self)
        guard wait("the cluster has converged", Simulation.livenessMs, { liveness.problem }) else { return }
        workload.admin.check()
        if !workload.topics.isEmpty { readEverything() }
        if world.violations.isEmpty, let keyed { readEverythingKeyed(keyed) }
        if world.violations.isEmpty { ledger.checkHasty() }
        if world.violations.isEmpty { bank?.audit(self) }
    }

    /// A fresh reader reads all topics from the beginning and must be given exactly what was committed.
    private func readEverything() {
        var found: OrderedMap<TopicPartition, [Int64]> = OrderedMap()
        var options = ReaderOptions(topics: workload.topics, start: .earliest, stop: .atEnd)
        options.damage = .wait
        let ledger = ledger
        let reader = world.addClient("auditor").host(TopicReaderMachine(options, codecs: .uncompressed)) { output in
            guard case .records(let records, _, _) = output else { return }
            for record in records {
                ledger.read(record.partition, record.offset, record.value, by: "the last reader")
                found[record.partition, default: []].append(record.offset.rawValue)
            }
        }
        reader.start()
        guard wait("the last reader is done", Simulation.livenessMs, { reader.isEnded ? nil : "it still reads" }) else { return }
        for partition in ledger.partitions { ledger.check(found[partition] ?? [], of: partition, by: "the last reader") }
    }

    /// Steps until `problem` is nil; reports `liveness` with the last problem where that takes too long.
    func wait(_ what: String, _ milliseconds: Int64, _ problem: () -> String?) -> Bool {
        let limit = world.milliseconds + milliseconds
        while let text = problem() {
            guard world.violations.isEmpty else { return false }
            guard world.milliseconds < limit else {
                world.violated("liveness", "\(what): not within \(milliseconds) ms: \(text)")
                return false
            }
            world.run(milliseconds: 100)
        }
        return world.violations.isEmpty
    }

    func allReady() -> String? {
        world.nodes.values.first { !$0.isReady }.map { node in
            "broker \(node.id) is \(node.isRunning ? "not ready" : "not running: \(node.startError ?? "")")"
        }
    }
}
