import Broker
import Controller
import Primitives
import Replication
import Storage

/// What must come true once everything works again, and stay true.
final class Liveness {
    private unowned let simulation: Simulation

    init(_ simulation: Simulation) { self.simulation = simulation }

    /// The first thing that is not yet as it must be; nil when the cluster has converged.
    var problem: String? {
        simulation.allReady() ?? quorumProblem ?? imageProblem ?? partitionProblem ?? replicaProblem ?? clientProblem
            ?? simulation.auditor.rotProblem
    }

    private var brokers: [(node: SimulatedNode, broker: Broker)] {
        simulation.world.nodes.values.compactMap { node in node.broker.map { (node, $0) } }
    }

    private var quorumProblem: String? {
        let leaders = brokers.filter { $0.broker.isActiveController }
        guard leaders.count == 1 else { return "\(leaders.count) active controllers" }
        let id = leaders[0].node.id
        if let other = brokers.first(where: { $0.broker.activeController != id }) {
            return "broker \(other.node.id) takes \(other.broker.activeController ?? .none) for the controller, not \(id)"
        }
        return nil
    }

    private var imageProblem: String? {
        guard let leader = brokers.first(where: { $0.broker.isActiveController }) else { return "no controller" }
        let end = leader.broker.image.appliedOffset
        if let late = brokers.first(where: { $0.broker.image.appliedOffset < end }) {
            return "broker \(late.node.id) has applied the metadata up to \(late.broker.image.appliedOffset), not \(end)"
        }
        for (node, broker) in brokers where broker.image.appliedOffset == end && broker.image != leader.broker.image {
            return "broker \(node.id) holds another image than the controller at the same offset \(end)"
        }
        return nil
    }

    private var partitionProblem: String? {
        guard let image = brokers.first(where: { $0.broker.isActiveController })?.broker.image else { return "no controller" }
        for registration in image.brokers.values where !registration.isActive { return "broker \(registration.id) is fenced" }
        for topic in image.topics.values {
            for (number, partition) in topic.partitions {
                if partition.leader == nil { return "\(topic.name)-\(number) has no leader" }
                if partition.isReassigning { return "\(topic.name)-\(number) is being reassigned" }
                if partition.inSyncReplicas.count < partition.replicas.count {
                    return "\(topic.name)-\(number) has \(partition.inSyncReplicas) of \(partition.replicas) in sync"
                }
            }
        }
        return nil
    }

    /// Every replica has all of its leader's log, and all of it is committed.
    private var replicaProblem: String? {
        guard let image = brokers.first(where: { $0.broker.isActiveController })?.broker.image else { return "no controller" }
        var ends: [String: Offset] = [:]
        for (_, broker) in brokers {
            for replica in broker.heldReplicas where replica.isLeader {
                let end = replica.log.logEndOffset
                if replica.highWatermark < end { return "\(replica.partition): committed up to \(replica.highWatermark) of \(end)" }
                if replica.lastStableOffset < end { return "\(replica.partition): stable up to \(replica.lastStableOffset) of \(end)" }
                ends[replica.partition.description] = end
            }
        }
        for (node, broker) in brokers {
            for replica in broker.heldReplicas where image.partition(replica.partition)?.replicas.contains(node.id) == true {
                guard let end = ends[replica.partition.description] else { return "nobody leads \(replica.partition)" }
                let mine = replica.log.logEndOffset
                if mine != end { return "\(replica.partition) on broker \(node.id) ends at \(mine), its leader's log at \(end)" }
            }
        }
        return nil
    }

    private var clientProblem: String? {
        let workload = simulation.workload
        if let waiting = simulation.keyed?.outstanding, waiting > 0 { return "\(waiting) keyed records without an outcome" }
        if workload.outstanding > 0 { return "\(workload.outstanding) records without an outcome" }
        if let problem = simulation.bank?.problem { return problem }
        guard !workload.consumers.isEmpty else { return nil }
        let unread = simulation.ledger.unread(by: Workload.group, topics: workload.topics)
        return unread > 0 ? "\(unread) records were never given to the group" : nil
    }
}
