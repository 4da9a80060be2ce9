import Broker
import Controller
import Primitives
import Replication
import Storage

/// What goes wrong and when: each class of fault at random moments, mended after a while. At the end of the safety phase everything is
/// mended at once and nothing goes wrong any more.
final class FaultPlan {
    private unowned let world: World
    private unowned let workload: Workload
    private let bank: Bank?
    private let swarm: Swarm
    private var random: PRNG
    private(set) var counts: OrderedMap<FaultClass, Int> = OrderedMap()
    private(set) var isOver = false
    /// Killed, or without power.
    private(set) var brokerDeaths = 0

    init(_ world: World, _ workload: Workload, _ bank: Bank?, _ swarm: Swarm, _ random: PRNG) {
        self.world = world
        self.workload = workload
        self.bank = bank
        self.swarm = swarm
        self.random = random
    }

    func begin() { for (fault, mean) in swarm.faults { next(fault, mean) } }

    private func next(_ fault: FaultClass, _ mean: Int64) {
        world.after(milliseconds: Int64(random.below(Int(2 * mean))) + 1) { [unowned self] in
            guard !isOver else { return }
            if strike(fault) { counts[fault, default: 0] += 1 }
            next(fault, mean)
        }
    }

    /// Does `mend` after a time between the two, if the plan has not mended everything by then.
    private func mend(_ from: Int, _ to: Int, _ act: @escaping () -> Void) {
        world.after(milliseconds: Int64(from + random.below(to - from))) { [unowned self] in if !isOver { act() } }
    }

    // MARK: Strikes

    /// False where there was nothing to hit.
    private func strike(_ fault: FaultClass) -> Bool {
        switch fault {
        case .kill: onRunning { node in kill(node) }
        case .stop: onRunning { node in
            node.stop(within: 5000)
            mend(500, 7000) { [unowned self] in startAgain(node) }
        }
        case .powerCut: cutPower([random.pick(world.nodes.values)])
        case .powerCutOfAll: cutPower(world.nodes.values)
        case .pause: onRunning { node in
            node.pause()
            mend(20, 5000) { node.resume() }
        }
        case .isolate, .cutOneWay, .split, .slowPath, .reset: strikeNetwork(fault)
        case .slowDisk, .fullDisk, .failingSync: strikeDisk(fault)
        case .bitRot: strikeRot()
        case .wallClock: onRunning { node in node.wallSkew = Int64(random.below(20_000)) - 10_000 }
        case .consumerCrash: workload.crashConsumer(&random)
        case .electLeaders: asked { workload.admin.electLeaders() }
        case .reassign: asked { workload.admin.reassign(swarm.allTopics.map(\.name)) }
        case .topicChange: asked { workload.admin.changeTopic() }
        case .tellerDeath: bank?.strikeTeller(&random) ?? false
        case .midTransaction: strikeTransaction()
        }
    }

    /// A node that still hands over what it leads is started when it has ended.
    private func startAgain(_ node: SimulatedNode) {
        if node.isStopping { mend(100, 1000) { [unowned self] in startAgain(node) } } else { node.start() }
    }

    private func asked(_ act: () -> Void) -> Bool {
        act()
        return true
    }

    private func onRunning(_ act: (SimulatedNode) -> Void) -> Bool {
        let running = world.nodes.values.filter { $0.isRunning && !$0.isPaused && !$0.isStopping }
        guard !running.isEmpty else { return false }
        act(random.pick(running))
        return true
    }

    private func cutPower(_ victims: [SimulatedNode]) -> Bool {
        for node in victims where node.hasPower {
            var how = SimulatedDisk.PowerCut()
            how.losesNames = random.oneIn(2)
            how.losesAll = random.oneIn(3)
            brokerDeaths += 1
            node.cutPower(how)
            mend(100, 3000) { node.start() }
        }
        return true
    }

    private func strikeNetwork(_ fault: FaultClass) -> Bool {
        let network = world.network!
        let brokers = world.nodes.values.map(\.host)
        let victim = random.pick(brokers)
        switch fault {
        case .isolate:
            let alsoFromClients = random.oneIn(3)
            let others = brokers + (alsoFromClients ? world.clients.map(\.host) : [])
            cut(others.filter { $0 != victim }.flatMap { [NetworkPath(victim, $0), NetworkPath($0, victim)] })
        case .cutOneWay:
            let other = random.pick(brokers)
            cut([NetworkPath(victim, other)])
        case .split:
            let side = brokers.filter { _ in random.oneIn(2) }
            let rest = brokers.filter { !side.contains($0) }
            cut(side.flatMap { a in rest.flatMap { [NetworkPath(a, $0), NetworkPath($0, a)] } })
        case .slowPath:
            let path = NetworkPath(victim, random.pick(brokers + world.clients.map(\.host)))
            network.slow(path, by: Int64(10 + random.below(400)) * 1_000_000)
            world.trace.note(world, "!", "\(path) is slow")
            mend(500, 5000) { network.slow(path, by: 0) }
        default:
            guard let connection = network.resetOne(&random) else { return false }
            world.trace.note(world, "!", "the connection of \(connection.client) to \(connection.server) is reset")
        }
        return true
    }

    private var newestImage: ClusterImage? {
        world.nodes.values.compactMap { $0.broker?.image }.max { $0.appliedOffset < $1.appliedOffset }
    }

    /// Whom an open transaction needs: who coordinates it, who leads what it writes, who keeps its group's offsets. Killed, or cut off
    /// from the other brokers and then killed, when its clients have been told what nobody else has heard of; or stopped for a while.
    private func strikeTransaction() -> Bool {
        guard let image = newestImage, let bank, let id = bank.openTransaction(&random) else { return false }
        var needed = [
            ("__transaction_state", id), ("__transaction_state", id), ("__consumer_offsets", Bank.group),
        ].compactMap { topic, key -> BrokerID? in
            guard let count = image.topic(topic)?.partitions.count, count > 0 else { return nil }
            return image.partition(TopicPartition(topic, coordinatorPartition(key, of: Int32(count))))?.leader
        }
        needed += image.topic(BankPlan.entryTopic)?.partitions.values.compactMap(\.leader) ?? []
        guard !needed.isEmpty, let node = world.nodes[random.pick(needed)], node.isRunning, !node.isPaused, !node.isStopping else {
            return false
        }
        switch random.below(5) {
        case 0, 1: kill(node)
        case 2, 3:
            let others = world.nodes.values.map(\.host).filter { $0 != node.host }
            cut(others.flatMap { [NetworkPath(node.host, $0), NetworkPath($0, node.host)] })
            world.after(milliseconds: Int64(20 + random.below(500))) { [unowned self] in if !isOver { kill(node) } }
        default:
            node.pause()
            mend(20, 5000) { node.resume() }
        }
        return true
    }

    private func kill(_ node: SimulatedNode) {
        if node.isRunning { brokerDeaths += 1 }
        node.kill()
        mend(20, 4000) { node.start() }
    }

    private func cut(_ paths: [NetworkPath]) {
        for path in paths { world.network.cut(path) }
        world.trace.note(world, "!", "cut: " + paths.map(\.description).joined(separator: " "))
        mend(100, 5000) { [unowned self] in
            for path in paths { world.network.heal(path) }
            world.trace.note(world, "!", "healed: " + paths.map(\.description).joined(separator: " "))
        }
    }

    private func strikeDisk(_ fault: FaultClass) -> Bool {
        onRunning { node in
            world.trace.note(world, "\(node.host)", "has a \(fault.name)")
            switch fault {
            case .slowDisk:
                node.disk.writeCost = Int64(1 + random.below(10)) * 1_000_000
                node.disk.syncCost = Int64(10 + random.below(200)) * 1_000_000
                mend(500, 4000) { [unowned self] in quicken(node) }
            case .fullDisk:
                node.disk.capacity = node.disk.used + random.below(2000)
                mend(500, 4000) { node.disk.capacity = .max }
            default:
                node.disk.failsSyncs = true
                // A broker that lost its log directory gets it back only by starting again.
                mend(200, 3000) {
                    node.disk.failsSyncs = false
                    node.kill()
                    node.start()
                }
            }
        }
    }

    /// A byte of one replica of a partition, never of the only one in sync, and never of a second one while the first is not mended. Which
    /// replica holds good bytes is what the cluster is to find out. Leaders first that have somebody to catch up: rot spreads there if
    /// anywhere.
    private func strikeRot() -> Bool {
        guard let image = newestImage else { return false }
        var victims: [(node: SimulatedNode, replica: Replica, isSpreading: Bool)] = []
        for node in world.nodes.values {
            for replica in node.broker?.heldReplicas ?? [] {
                guard let partition = image.partition(replica.partition), partition.inSyncReplicas.count > 1, !partition.isReassigning,
                    partition.inSyncReplicas.contains(node.id), world.rots.rots(replica.partition).isEmpty,
                    // Compaction may leave replicas with different bytes, of which none can take another's place.
                    !replica.log.config.isCompacted
                else { continue }
                let isAwaited = partition.inSyncReplicas.count < partition.replicas.count
                victims.append((node, replica, isAwaited && partition.leader == node.id))
            }
        }
        victims.shuffle(using: &random)
        let isIndex = random.oneIn(5)
        for victim in victims.filter(\.isSpreading) + victims {
            let (node, replica) = (victim.node, victim.replica)
            if isIndex ? world.rotIndex(replica, on: node, &random) : world.rot(replica, on: node, &random) { return true }
        }
        return false
    }

    private func quicken(_ node: SimulatedNode) {
        node.disk.writeCost = 10_000
        node.disk.syncCost = swarm.diskSyncMicros * 1000
    }

    // MARK: The end of faults

    func mendAll() {
        isOver = true
        world.trace.note(world, "!", "everything is mended")
        world.network.healAll()
        world.network.straggles = 0
        for node in world.nodes.values {
            node.resume()
            let hadBadDisk = node.disk.failsSyncs || node.disk.capacity != .max
            quicken(node)
            (node.disk.capacity, node.disk.failsSyncs) = (.max, false)
            if hadBadDisk || node.isStopping { node.kill() }
            node.start()
        }
    }
}
