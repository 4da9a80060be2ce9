import Primitives
import Wire

/// A member's conversation with this broker (KIP-932): which partitions it reads, and which request comes next. One for each member, on the
/// connection it came by.
struct ShareSession {
    var connection: ConnectionID
    /// Of the next request.
    var nextEpoch: Int32 = 1
    var places: OrderedMap<SharePlace, Bool> = OrderedMap()
}

/// A partition by its topic's id.
struct SharePlace: Hashable, Comparable, Sendable {
    var topicID: UUID
    var partition: Int32

    static func < (a: SharePlace, b: SharePlace) -> Bool { a.topicID == b.topicID ? a.partition < b.partition : a.topicID < b.topicID }
}

struct ShareMember: Hashable, Comparable, Sendable {
    var groupID: String
    var memberID: String

    static func < (a: ShareMember, b: ShareMember) -> Bool {
        a.groupID == b.groupID ? a.memberID < b.memberID : a.groupID < b.groupID
    }
}

/// The sessions of one broker, as many as `group.share.max.share.sessions` allows.
struct ShareSessions {
    private(set) var sessions = OrderedMap<ShareMember, ShareSession>()
    static let finalEpoch: Int32 = -1

    subscript(member: ShareMember) -> ShareSession? { sessions[member] }
    var count: Int { sessions.count }

    func hasMembers(of groupID: String) -> Bool {
        let first = sessions.lowerBound(ShareMember(groupID: groupID, memberID: ""))
        return first < sessions.count && sessions.keys[first].groupID == groupID
    }

    /// Opens a session, in place of the one the member may have. False where there are too many.
    mutating func open(_ member: ShareMember, _ places: [SharePlace], on connection: ConnectionID, max: Int) -> Bool {
        guard sessions[member] != nil || sessions.count < max else { return false }
        var session = ShareSession(connection: connection)
        for place in places { session.places[place] = true }
        sessions[member] = session
        return true
    }

    /// A request of an open session: nil, or why it is not one.
    mutating func advance(_ member: ShareMember, _ epoch: Int32, on connection: ConnectionID) -> ErrorCode? {
        guard let session = sessions[member] else { return .shareSessionNotFound }
        if epoch == ShareSessions.finalEpoch { return nil }
        guard session.nextEpoch == epoch else { return .invalidShareSessionEpoch }
        sessions.update(member) {
            // The epoch after the greatest one is the first that is no beginning.
            $0.nextEpoch = epoch == .max ? 1 : epoch + 1
            $0.connection = connection
        }
        return nil
    }

    mutating func change(_ member: ShareMember, adding: [SharePlace], forgetting: [SharePlace]) {
        sessions.update(member) { session in
            for place in adding { session.places[place] = true }
            for place in forgetting { session.places.remove(place) }
        }
    }

    mutating func close(_ member: ShareMember) -> ShareSession? { sessions.remove(member) }

    func members(on connection: ConnectionID) -> [ShareMember] {
        sessions.isEmpty ? [] : sessions.filter { $0.value.connection == connection }.map(\.key)
    }
}
