import Primitives
import Wire

/// What share coordinators are to do for a group.
package enum ShareStateWork: Equatable, Sendable {
    case initialize([ShareStateStart])
    case delete([SharePartition])

    package var partitions: [SharePartition] {
        switch self {
        case .initialize(let starts): starts.map(\.partition)
        case .delete(let partitions): partitions
        }
    }
}

/// A partition's new state.
package struct ShareStateStart: Equatable, Sendable {
    package var partition: SharePartition
    /// The group's epoch; a state of an older one is replaced.
    package var stateEpoch: Int32
    /// -1: the partition's leader decides by `share.auto.offset.reset`.
    package var startOffset: Int64
}

/// Names work that share coordinators are asked for.
package struct ShareWorkToken: Hashable, Comparable, Sendable {
    package var rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
    package static func < (a: ShareWorkToken, b: ShareWorkToken) -> Bool { a.rawValue < b.rawValue }
}

/// What came of it, for each partition.
package typealias ShareStateResults = OrderedMap<SharePartition, ErrorCode>

/// Work that is under way, or waits for the records that announce it.
struct PendingShareWork: Equatable, Sendable {
    enum Purpose: Equatable, Sendable {
        /// Topics came into the group.
        case initialize
        case alter(GroupToken, AlterShareGroupOffsetsResponse)
        case deleteOffsets(GroupToken, DeleteShareGroupOffsetsResponse)
        case deleteGroup(GroupToken)
        /// A topic is gone.
        case forget
    }

    /// Of `__consumer_offsets`.
    var partition: Int32
    var groupID: String
    var work: ShareStateWork
    var purpose: Purpose

    func failed(_ error: ErrorCode) -> ShareStateResults {
        var results = ShareStateResults()
        for partition in work.partitions { results[partition] = error }
        return results
    }

    /// The request that waits for it, with its answer where the coordinator is another by now.
    var dismissal: (GroupToken, GroupResponse)? {
        switch purpose {
        case .alter(let token, let response): (token, GroupResponse.alterShareOffsets(response).failed(.notCoordinator))
        case .deleteOffsets(let token, let response): (token, GroupResponse.deleteShareOffsets(response).failed(.notCoordinator))
        case .initialize, .deleteGroup, .forget: nil
        }
    }
}

extension GroupTurn {
    /// After this turn's records are written.
    mutating func ask(_ work: ShareStateWork, for purpose: PendingShareWork.Purpose) {
        works.append(PendingShareWork(partition: partition, groupID: groupID, work: work, purpose: purpose))
    }
}

extension GroupCoordinator {
    /// Share coordinators have done what `.shareState` asked for, or could not. Unknown tokens are ignored.
    package mutating func shareStateCompleted(_ token: ShareWorkToken, _ results: ShareStateResults, now: Now) -> [GroupEffect] {
        guard let work = pendingShareWork.remove(token) else { return [] }
        withGroup(work.groupID, now) { group, turn in group.shareStateDone(work, results, &turn) }
        return takeEffects()
    }

    /// This broker no longer leads the groups' partition.
    mutating func abandonShareWork(of partition: Int32) {
        for (token, work) in pendingShareWork where work.partition == partition {
            pendingShareWork.remove(token)
            if let (request, response) = work.dismissal { effects.append(.respond(request, response)) }
            if case .deleteGroup(let request) = work.purpose { deletionEnded(of: work.groupID, request, .notCoordinator) }
        }
    }
}

extension ShareGroup {
    /// Asks for the state of subscribed partitions that have none yet.
    mutating func initializeState(_ turn: inout GroupTurn) {
        var starts: [ShareStateStart] = []
        for topic in subscribedTopics.compactMap({ turn.surroundings.topic($0) }) {
            var known = Set(state.initialized[topic.id]?.partitions ?? [])
            if let waiting = state.initializing[topic.id], let askedAt = waiting.askedAt,
                turn.now.instant < askedAt.adding(milliseconds: turn.config.shareInitializeRetryMs)
            {
                known.formUnion(waiting.partitions)
            }
            guard known.count < Int(topic.partitionCount) else { continue }
            let wanted = (0..<topic.partitionCount).filter { !known.contains($0) }
            state.begin(topic.id, topic.name, wanted, at: turn.now.instant)
            starts += wanted.map { start(topic.id, $0, at: -1) }
        }
        guard !starts.isEmpty else { return }
        turn.records.append(stateRecord)
        turn.ask(.initialize(starts), for: .initialize)
    }

    func start(_ topicID: UUID, _ partition: Int32, at offset: Int64) -> ShareStateStart {
        let partition = SharePartition(groupID: groupID, topicID: topicID, partition: partition)
        return ShareStateStart(partition: partition, stateEpoch: groupEpoch, startOffset: offset)
    }

    func sharePartitions(_ partitions: [PartitionID]) -> [SharePartition] {
        partitions.map { SharePartition(groupID: groupID, topicID: $0.topicID, partition: $0.partition) }
    }

    /// A topic of this name is gone, with it its state.
    mutating func forget(topic name: String, _ turn: inout GroupTurn) {
        let present = turn.surroundings.topic(name)?.id
        var gone: [UUID] = []
        for (id, topic) in state.initialized where topic.name == name && id != present { gone.append(id) }
        for (id, topic) in state.initializing where topic.name == name && id != present && !gone.contains(id) { gone.append(id) }
        for (id, old) in state.deleting where old == name && id != present && !gone.contains(id) { gone.append(id) }
        guard !gone.isEmpty else { return }
        let partitions = state.all.filter { gone.contains($0.topicID) }
        for id in gone { state.forget(id) }
        turn.records.append(stateRecord)
        if !partitions.isEmpty { turn.ask(.delete(sharePartitions(partitions)), for: .forget) }
    }

    /// These are initialized, where nothing went wrong with them.
    fileprivate mutating func initialized(_ results: ShareStateResults, _ turn: inout GroupTurn) {
        for (partition, error) in results {
            if error == .none {
                state.finish(partition.topicID, [partition.partition])
            } else {
                state.giveUp(partition.topicID, [partition.partition])
            }
        }
        turn.records.append(stateRecord)
    }
}

extension Group {
    /// What share coordinators were asked for has been done, or could not be.
    mutating func shareStateDone(_ work: PendingShareWork, _ results: ShareStateResults, _ turn: inout GroupTurn) {
        switch work.purpose {
        case .initialize: share?.initialized(results, &turn)
        case .alter(let token, var response):
            share?.initialized(results, &turn)
            for (partition, error) in results where error != .none { response.fail(partition, error) }
            turn.hold(token, .alterShareOffsets(response))
        case .deleteOffsets(let token, var response):
            var failed = OrderedMap<UUID, ErrorCode>()
            for (partition, error) in results where error != .none { failed[partition.topicID] = error }
            for index in response.responses.indices where response.responses[index].errorCode == .none {
                let id = response.responses[index].topicID
                if let error = failed[id] {
                    (response.responses[index].errorCode, response.responses[index].errorMessage) = (error, error.message)
                } else {
                    share?.state.forget(id)
                }
            }
            if let record = share?.stateRecord { turn.records.append(record) }
            turn.hold(token, .deleteShareOffsets(response))
        case .deleteGroup(let request):
            guard let error = results.values.first(where: { $0 != .none }) else { return deleteGroup(for: request, &turn) }
            share?.isDead = false
            turn.failedDeletions.append((request, error))
        case .forget: break
        }
    }
}

extension AlterShareGroupOffsetsResponse {
    fileprivate mutating func fail(_ partition: SharePartition, _ error: ErrorCode) {
        for topic in responses.indices where responses[topic].topicID == partition.topicID {
            for index in responses[topic].partitions.indices
            where responses[topic].partitions[index].partitionIndex == partition.partition {
                (responses[topic].partitions[index].errorCode, responses[topic].partitions[index].errorMessage) = (error, error.message)
            }
        }
    }
}
