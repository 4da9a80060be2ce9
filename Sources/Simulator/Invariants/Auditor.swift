import Broker
import Controller
import Primitives
import Quorum
import Records
import Replication
import Storage

/// Looks at a broker after each event that touched it, and says what must never be seen. The rules are those of Kafka's replication and of
/// Raft; each has the name by which it is reported:
///
/// - `committed`: what is below some high watermark is never lost or changed; all replicas agree on it, and no replica takes over from
///   another what is rotten.
/// - `high-watermark`: it never goes back on one leader, and never lies beyond the log's end.
/// - `one-leader`: a leader epoch has at most one leader; so has an epoch of the quorum.
/// - `leader-complete`: whoever becomes leader has all that was committed.
/// - `epochs`: the leader epochs of a log grow, and so do their first offsets.
/// - `own-epoch`: a leader of the quorum commits nothing before a record of its own epoch.
/// - `one-vote`: a voter votes for one candidate in an epoch, also across crashes.
/// - `min-isr`: nothing is committed while fewer than `min.insync.replicas` are in sync.
/// - `in-sync`: whoever is in sync, as the leader knows it, holds all that the leader has committed.
/// - `stable`: the last stable offset is not beyond the high watermark.
///
/// Owner: the simulation. Called after every event, so it looks only at what has moved since the last event of the same broker: a replica
/// by its version and its log's end, the quorum at a glance.
package final class Auditor {
    private struct View {
        let replica: Replica
        let log: CommittedLog
        let place: String
        var version = UInt64.max
        /// Compared with `log` up to here.
        var checked: Int64
        var highWatermark: Int64
        var logEndOffset: Int64
        var leaderEpoch: Int32
        var isLeader = false
        var partitionEpoch: Int32 = -1
        var epochs = 0
    }

    private struct QuorumView {
        var process = -1
        var glance: QuorumGlance?
        var checked: Int64 = 0
        var epoch: Int32 = -1
        var voted: BrokerID?
        var leads: Int32 = -1
        /// What the leader knew to be committed when it was elected.
        var committedBefore: Int64 = 0
    }

    /// What one process holds.
    private final class Held {
        let process: Int
        /// Of `heldReplicaChanges`.
        var changes = -1
        var views: [View] = []
        init(process: Int) { self.process = process }
    }

    private struct LogKey: Hashable {
        let topic: UUID
        let partition: Int32
    }
    private struct EpochKey: Hashable {
        let log: LogKey
        let epoch: Int32
    }

    private struct VoteKey: Hashable {
        let voter: BrokerID
        let epoch: Int32
    }

    private unowned let world: World
    private var votes: [VoteKey: BrokerID] = [:]
    private var logs: [LogKey: CommittedLog] = [:]
    /// In the order they were met.
    private(set) var allLogs: [CommittedLog] = []
    private var processes: [Int32: Held] = [:]
    private var leaders: [EpochKey: BrokerID] = [:]
    private let metadata = CommittedLog(TopicPartition("__cluster_metadata", 0))
    private var quorums: [Int32: QuorumView] = [:]
    private var quorumLeaders: [Int32: BrokerID] = [:]
    /// Each committed batch once, as soon as it is committed.
    package var onCommit: (TopicPartition, RecordBatch) -> Void = { _, _ in }
    package private(set) var batchesCommitted = 0

    package init(_ world: World) {
        self.world = world
        world.afterEvent = { [unowned self] node in look(at: node) }
        world.onVote = { [unowned self] voter, epoch, candidate in voted(voter, epoch, candidate) }
    }

    /// The end of what a partition has committed.
    package func committedEnd(_ partition: TopicPartition) -> Int64 { allLogs.last { $0.name == partition }?.end ?? 0 }

    /// Whether a leader of a later epoch began without what was written at this offset in this epoch. It may never have written a batch of
    /// its own; and by an unclean election it may have another's in its place.
    func wasLeftBehind(_ partition: TopicPartition, _ offset: Offset, of epoch: LeaderEpoch) -> Bool {
        allLogs.contains { log in
            log.name == partition
                && log.begins.contains { begin in
                    begin.epoch > epoch
                        && (begin.end <= offset || begin.epochs.last(where: { $0.startOffset <= offset }).map { $0.epoch != epoch } ?? true)
                }
        }
    }

    /// A fault was played that may lose what was acknowledged: what is gone from now on is not held against anybody.
    package func forgiveLosses() { for log in allLogs { log.isForgiven = true } }

    // MARK: Partitions

    private func look(at node: SimulatedNode) {
        guard let memory = node.memory else { return }
        lookAtQuorum(node, memory)
        let mine = held(by: node)
        let changes = memory.broker.heldReplicaChanges
        if mine.changes != changes {
            mine.changes = changes
            mine.views = rebuilt(memory.broker.heldReplicas, mine.views, node)
        }
        for index in mine.views.indices {
            let replica = mine.views[index].replica
            let stands = mine.views[index].version == replica.version && mine.views[index].logEndOffset == replica.log.logEndOffset.rawValue
            if !stands { look(node, replica, &mine.views[index]) }
        }
    }

    private func held(by node: SimulatedNode) -> Held {
        if let known = processes[node.id.rawValue], known.process == node.process { return known }
        let new = Held(process: node.process)
        processes[node.id.rawValue] = new
        return new
    }

    private func rebuilt(_ held: [Replica], _ old: [View], _ node: SimulatedNode) -> [View] {
        held.map { replica in
            if let known = old.first(where: { $0.replica === replica }) { return known }
            let start = replica.log.logStartOffset.rawValue
            return View(
                replica: replica, log: log(of: replica), place: "\(replica.partition) on broker \(node.id)", checked: start,
                highWatermark: start, logEndOffset: -1, leaderEpoch: -2)
        }
    }

    private func log(of replica: Replica) -> CommittedLog {
        let key = LogKey(topic: replica.topicID, partition: replica.partition.partition)
        if let known = logs[key] { return known }
        let log = CommittedLog(replica.partition)
        logs[key] = log
        allLogs.append(log)
        return log
    }

    private func look(_ node: SimulatedNode, _ replica: Replica, _ view: inout View) {
        let old = view
        view.version = replica.version
        let highWatermark = replica.highWatermark.rawValue
        let end = replica.log.logEndOffset.rawValue
        let epoch = replica.leaderEpoch.rawValue
        let isLeader = replica.isLeader
        let partitionEpoch = replica.leader?.partitionEpoch ?? -1
        let stands = highWatermark == old.highWatermark && end == old.logEndOffset && epoch == old.leaderEpoch
        if stands, isLeader == old.isLeader, partitionEpoch == old.partitionEpoch { return }
        view.partitionEpoch = partitionEpoch
        let where_ = view.place
        if highWatermark > end { world.violated("high-watermark", "\(where_): \(highWatermark) beyond the log's end \(end)") }
        if isLeader, old.isLeader, epoch == old.leaderEpoch, highWatermark < old.highWatermark {
            world.violated("high-watermark", "\(where_): went back from \(old.highWatermark) to \(highWatermark) in epoch \(epoch)")
        }
        if isLeader, !old.isLeader || epoch != old.leaderEpoch { leads(node, replica, view.log, epoch, where_) }
        if let leader = replica.leader, highWatermark > old.highWatermark, old.isLeader, epoch == old.leaderEpoch, leader.isUnderMinISR {
            world.violated("min-isr", "\(where_): went on to \(highWatermark) with only \(leader.inSyncReplicas) in sync")
        }
        if let leader = replica.leader, highWatermark != old.highWatermark || partitionEpoch != old.partitionEpoch {
            lookAtInSync(replica, leader, view.log, where_)
        }
        if replica.lastStableOffset.rawValue > max(highWatermark, replica.log.logStartOffset.rawValue) {
            world.violated("stable", "\(where_): last stable offset \(replica.lastStableOffset) beyond the high watermark \(highWatermark)")
        }
        lookAtEpochs(replica, &view, where_)
        if end < view.checked, !view.log.isForgiven {
            if !mayBeCut(node, replica) {
                world.violated("committed", "\(where_): cut at \(end), though all below \(view.checked) was committed here")
            }
            view.checked = end
        }
        if highWatermark > view.checked {
            compare(replica.log, from: view.checked, to: highWatermark, with: view.log, where_, world.rots.rots(node, replica.partition))
            view.checked = highWatermark
        }
        if isLeader { view.log.committed(highWatermark, by: epoch) }
        (view.highWatermark, view.logEndOffset, view.leaderEpoch, view.isLeader) = (highWatermark, end, epoch, isLeader)
    }

    private func leads(_ node: SimulatedNode, _ replica: Replica, _ log: CommittedLog, _ epoch: Int32, _ place: String) {
        let key = EpochKey(log: LogKey(topic: replica.topicID, partition: replica.partition.partition), epoch: epoch)
        if let other = leaders[key], other != node.id {
            world.violated("one-leader", "\(replica.partition): brokers \(other) and \(node.id) both lead in epoch \(epoch)")
        }
        leaders[key] = node.id
        log.begins.append((LeaderEpoch(epoch), replica.log.logEndOffset, replica.log.leaderEpochs))
        let (end, needed) = (replica.log.logEndOffset.rawValue, log.end(before: epoch))
        if end < needed, !log.isForgiven {
            world.violated("leader-complete", "\(place): leads epoch \(epoch) with a log that ends at \(end); committed is \(needed)")
        }
    }

    /// Whether those whom the leader takes for in sync have what it has committed. Of those whose process runs; what the others will find
    /// on their disks is seen when they lead.
    private func lookAtInSync(_ replica: Replica, _ leader: LeaderState, _ log: CommittedLog, _ place: String) {
        let committed = leader.highWatermark
        guard committed > replica.log.logStartOffset, !log.isForgiven else { return }
        let epoch = replica.log.leaderEpoch(at: committed + -1)
        for member in leader.inSyncReplicas where member != leader.brokerID {
            guard let held = processes[member.rawValue], held.process == world.node(member).process, world.node(member).isRunning,
                let other = held.views.first(where: { $0.log === log })?.replica
            else { continue }
            let otherEpoch = other.log.leaderEpoch(at: committed + -1)
            guard other.log.logEndOffset < committed || otherEpoch != epoch else { continue }
            let what = "ends at \(other.log.logEndOffset), epoch \(otherEpoch ?? .none) there"
            world.violated("in-sync", "\(place): committed up to \(committed) in epoch \(epoch ?? .none), but \(member), in sync, \(what)")
        }
    }

    /// Where a leader's log was compacted, nobody may know where in the hole an epoch began, and a follower whose last records are of an
    /// earlier one is cut back to the hole's beginning: what it had of it is compacted away at the leader. That is never done to one in
    /// sync, whose last record is of the epoch behind the hole.
    private func mayBeCut(_ node: SimulatedNode, _ replica: Replica) -> Bool {
        let images = world.nodes.values.compactMap { $0.broker?.image }
        guard replica.log.config.isCompacted, let image = images.max(by: { $0.appliedOffset < $1.appliedOffset }) else { return false }
        return image.partition(replica.partition)?.inSyncReplicas.contains(node.id) == false
    }

    private func lookAtEpochs(_ replica: Replica, _ view: inout View, _ place: String) {
        let epochs = replica.log.leaderEpochs
        guard epochs.count != view.epochs else { return }
        view.epochs = epochs.count
        for (old, new) in zip(epochs, epochs.dropFirst()) where old.epoch >= new.epoch || old.startOffset >= new.startOffset {
            world.violated("epochs", "\(place): epoch \(new.epoch) from \(new.startOffset) behind \(old.epoch) from \(old.startOffset)")
        }
    }

    // MARK: Batches

    /// What every replica must come to once its disk is left alone: all of it good, and what was committed. The first that is not.
    var rotProblem: String? {
        for node in world.nodes.values {
            for replica in node.broker?.heldReplicas ?? [] {
                var next = replica.log.logStartOffset
                while next < replica.highWatermark {
                    guard let batches = try? replica.log.readBatches(from: next, below: replica.highWatermark), let last = batches.last,
                        batches.allSatisfy({ batch in
                            let isCompacted = replica.log.config.isCompacted
                            return batch.isChecksumValid && log(of: replica).take(batch.header, isCompacted: isCompacted).problem == nil
                        })
                    else { return "\(replica.partition) on broker \(node.id) is not in good order from offset \(next) on" }
                    next = last.header.nextOffset
                }
            }
        }
        return nil
    }

    /// `rots`: what this replica's own disk has done to it, which is not held against it before it is mended.
    private func compare(
        _ log: PartitionLog, from: Int64, to: Int64, with committed: CommittedLog, _ place: String, _ rots: [RotRegistry.Rot] = []
    ) {
        var next = Offset(max(from, log.logStartOffset.rawValue))
        while next.rawValue < to {
            if let rot = rots.first(where: { $0.firstOffset <= next && next < $0.nextOffset }) {
                next = rot.nextOffset
                continue
            }
            let limit = rots.reduce(Offset(to)) { $1.firstOffset > next ? min($0, $1.firstOffset) : $0 }
            guard let batches = try? log.readBatches(from: next, below: limit) else {
                // Behind rot in a batch's header nothing can be found before the rot itself is.
                if rots.contains(where: { $0.firstOffset < Offset(to) }) { return }
                return world.violated("committed", "\(place): offset \(next) cannot be read, though it is below the high watermark \(to)")
            }
            guard let last = batches.last else { return }
            // Rot in a header may make its batch seem to reach over those behind it; these are looked at when it has been mended.
            if rots.contains(where: { $0.firstOffset == batches[0].header.baseOffset }) { return }
            for batch in batches {
                if !batch.isChecksumValid, rots.isEmpty {
                    world.violated("committed", "\(place): the batch at \(batch.header.baseOffset) is damaged, though its disk is not")
                }
                let (isNew, problem) = committed.take(batch.header, isCompacted: log.config.isCompacted)
                if let problem, !committed.isForgiven { world.violated("committed", "\(place): \(problem)") }
                if isNew {
                    batchesCommitted += 1
                    onCommit(committed.name, batch)
                }
            }
            next = last.header.nextOffset
        }
    }

    // MARK: The quorum

    private func lookAtQuorum(_ node: SimulatedNode, _ memory: ProcessMemory) {
        guard let quorum = memory.broker.quorumGlance else { return }
        var view = quorums[node.id.rawValue] ?? QuorumView()
        if view.process == node.process, view.glance == quorum { return }
        guard let log = memory.broker.metadataLog else { return }
        if view.process != node.process { (view.process, view.checked, view.leads) = (node.process, log.logStartOffset.rawValue, -1) }
        view.glance = quorum
        // What was not written has not been told either.
        vote(node, quorum, &view)
        if quorum.isLeader, quorum.leaderEpoch.rawValue != view.leads {
            let epoch = quorum.leaderEpoch.rawValue
            (view.leads, view.committedBefore) = (epoch, quorum.highWatermark.rawValue)
            if let other = quorumLeaders[epoch], other != node.id {
                world.violated("one-leader", "brokers \(other) and \(node.id) both lead the quorum in epoch \(epoch)")
            }
            quorumLeaders[epoch] = node.id
            let (end, needed) = (log.logEndOffset.rawValue, metadata.end(before: epoch))
            if end < needed {
                world.violated(
                    "leader-complete", "broker \(node.id) leads the quorum with a log that ends at \(end); committed is \(needed)")
            }
        }
        let highWatermark = quorum.highWatermark.rawValue
        if quorum.isLeader, highWatermark > view.committedBefore, !quorum.isEstablished {
            world.violated("own-epoch", "leader \(node.id) of the quorum commits \(highWatermark) before a record of its own epoch")
        }
        if highWatermark > log.logEndOffset.rawValue {
            world.violated("high-watermark", "the metadata log on broker \(node.id): \(highWatermark) beyond its end \(log.logEndOffset)")
        }
        if log.logEndOffset.rawValue < view.checked {
            let end = log.logEndOffset
            world.violated("committed", "the metadata log on broker \(node.id) was cut at \(end), though \(view.checked) was committed")
        }
        if highWatermark > view.checked {
            compare(log, from: view.checked, to: highWatermark, with: metadata, "the metadata log on broker \(node.id)")
            view.checked = highWatermark
            if quorum.isLeader { metadata.committed(highWatermark, by: quorum.leaderEpoch.rawValue) }
        }
        quorums[node.id.rawValue] = view
    }

    /// A vote has left a node. It holds for the whole epoch, whatever happened to the voter since.
    private func voted(_ voter: BrokerID, _ epoch: Int32, _ candidate: BrokerID) {
        let key = VoteKey(voter: voter, epoch: epoch)
        if let before = votes[key], before != candidate {
            world.violated("one-vote", "broker \(voter) voted for \(before) and for \(candidate) in epoch \(epoch) of the quorum")
        }
        votes[key] = candidate
    }

    /// What a process has in mind about an epoch does not change either, nor does it go back.
    private func vote(_ node: SimulatedNode, _ state: QuorumGlance, _ view: inout QuorumView) {
        let epoch = state.writtenEpoch.rawValue
        if epoch < view.epoch {
            world.violated("one-vote", "broker \(node.id) went back from epoch \(view.epoch) of the quorum to \(epoch)")
        }
        if epoch > view.epoch { (view.epoch, view.voted) = (epoch, nil) }
        guard let voted = state.votedID else { return }
        if let before = view.voted, before != voted {
            world.violated("one-vote", "broker \(node.id) voted for \(before) and for \(voted) in epoch \(epoch) of the quorum")
        }
        view.voted = voted
    }
}
