import Primitives
import Wire

/// A group's changes on their way to the log, for the protocol whose memory runs ahead of it (KIP-848): answers wait for the records that
/// were written before them, and what could not be written is written with the next change.
struct GroupJournal: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        var keys: [Bytes]
        var answers: [HeldAnswer] = []
        /// What share coordinators are asked for next.
        var works: [PendingShareWork] = []
    }

    /// In the order in which they complete.
    var inFlight = OrderedMap<AppendToken, Entry>()
    /// Keys of records that could not be written: the log says something else of them than the group.
    var unwritten: [Bytes] = []

    var isEmpty: Bool { inFlight.isEmpty && unwritten.isEmpty }
}

/// An answer that waits for the records of its turn.
struct HeldAnswer: Equatable, Sendable {
    var token: GroupToken
    var response: GroupResponse
}

extension Group {
    /// The end of a turn: its records go to the log as one batch, its answers wait for them; an answer without records waits for whatever
    /// was written before.
    mutating func settle(_ turn: inout GroupTurn) {
        if consumer?.isLeftToClassics == true { downgrade(&turn) }
        guard !turn.records.isEmpty || !turn.held.isEmpty || !turn.works.isEmpty else { return }
        var records = turn.records
        if !journal.unwritten.isEmpty {
            let new = Set(records.map(\.key))
            records = journal.unwritten.filter { !new.contains($0) }.map(presentRecord) + records
            journal.unwritten = []
        }
        if !records.isEmpty {
            let token = turn.append(records, then: .journal)
            journal.inFlight[token] = GroupJournal.Entry(keys: records.map(\.key), answers: turn.held, works: turn.works)
        } else if let last = journal.inFlight.keys.last {
            let (held, works) = (turn.held, turn.works)
            journal.inFlight.update(last) { entry in
                entry.answers += held
                entry.works += works
            }
        } else {
            for answer in turn.held { turn.respond(answer.token, answer.response) }
            for work in turn.works { turn.start(work) }
        }
        (turn.records, turn.held, turn.works) = ([], [], [])
    }

    /// What the log should say under this key now.
    private func presentRecord(_ key: Bytes) -> GroupRecord {
        if let record = consumer?.record(under: key) ?? share?.record(under: key) { return record }
        if classic?.isRecorded == true, case .groupMetadata? = try? GroupRecordKey.decode(key), let record = classic?.groupRecord() {
            return record
        }
        return GroupRecord(key: key, value: nil)
    }

    /// The records of a turn are in the log, or could not be written.
    mutating func journalWritten(_ token: AppendToken, _ error: ErrorCode, _ turn: inout GroupTurn) {
        guard let entry = journal.inFlight.remove(token) else { return }
        if error != .none {
            for key in entry.keys where !journal.unwritten.contains(key) { journal.unwritten.append(key) }
        }
        for answer in entry.answers {
            turn.respond(answer.token, error == .none ? answer.response : answer.response.failed(appendError(error)))
        }
        for work in entry.works {
            if error == .none { turn.start(work) } else { shareStateDone(work, work.failed(appendError(error)), &turn) }
        }
    }
}

extension GroupResponse {
    /// The same kind of answer, with an error in place of all it says.
    func failed(_ error: ErrorCode) -> GroupResponse {
        switch self {
        case .join(let response): return .join(.refusal(error, memberID: response.memberID, 9))
        case .sync: return .sync(.refusal(error))
        case .heartbeat:
            var response = HeartbeatResponse()
            response.errorCode = error
            return .heartbeat(response)
        case .leave:
            var response = LeaveGroupResponse()
            response.errorCode = error
            return .leave(response)
        case .consumerHeartbeat:
            var response = ConsumerGroupHeartbeatResponse()
            (response.errorCode, response.errorMessage) = (error, error.message)
            return .consumerHeartbeat(response)
        case .shareHeartbeat: return .shareHeartbeat(HeartbeatRefusal(error, error.message).shareResponse)
        case .alterShareOffsets:
            var response = AlterShareGroupOffsetsResponse()
            (response.errorCode, response.errorMessage) = (error, error.message)
            return .alterShareOffsets(response)
        case .deleteShareOffsets:
            var response = DeleteShareGroupOffsetsResponse()
            (response.errorCode, response.errorMessage) = (error, error.message)
            return .deleteShareOffsets(response)
        case .commit, .deleteOffsets, .deleteGroups, .transactionalCommit: return self
        }
    }
}
