import Glibc
import Primitives
import Wire

/// How long a group takes until every member has its partitions, with 1, 10 and 100 members: when all come at once, and when one of a
/// settled group calls for a new share-out. The members are nothing but their requests. Those of the classic protocol ask whether there
/// is a rebalance every 5 ms, as clients would every three seconds; so what is measured is the broker's time and little else.
struct GroupBench {
    let program: String
    let directory: String
    let rounds: Int

    private static let topic = "shared"
    private static let partitions: Int32 = 100
    private static let heartbeatMs: Int32 = 5

    func run() throws {
        let process = try ChildProcess.start([program, "dev", "--headless", "--brokers", "1", "--port", "0", "--data", directory])
        defer { process.stop() }
        guard let port = Int(try process.firstLine().split(separator: ":").last ?? ""), let admin = PlainClient(port: port) else {
            throw ChildProcess.Failed(description: "no broker for groups")
        }
        guard admin.makeTopic(GroupBench.topic, replicas: 1, partitions: GroupBench.partitions) == ErrorCode.none else {
            throw ChildProcess.Failed(description: "cannot create topic \(GroupBench.topic)")
        }
        try awaitCoordinator(admin)
        for count in [1, 10, 100] {
            var classic = (join: Samples(), again: Samples())
            var modern = (join: Samples(), again: Samples())
            for round in 0..<rounds {
                let group = try ClassicGroupLoad(
                    port: port, group: "classic-\(count)-\(round)", count: count, everyMs: GroupBench.heartbeatMs)
                classic.join.add(try group.settle())
                classic.again.add(try group.settle())
                group.leave()
                let other = try ConsumerGroupLoad(
                    port: port, group: "modern-\(count)-\(round)", count: count, topic: GroupBench.topic,
                    partitions: Int(GroupBench.partitions))
                modern.join.add(try other.settle(withOneMore: false))
                modern.again.add(try other.settle(withOneMore: true))
                other.leave()
            }
            let members = count == 1 ? "1 member" : "\(count) members"
            Report.figure("classic group, \(members) join", classic.join, unit: "ms", target: nil)
            Report.figure("… rebalance", classic.again, unit: "ms", target: nil)
            Report.figure("KIP-848 group, \(members) join", modern.join, unit: "ms", target: nil)
            Report.figure("… one more joins", modern.again, unit: "ms", target: nil)
        }
    }

    /// The topic of offsets is made with the first question for a coordinator.
    private func awaitCoordinator(_ client: PlainClient) throws {
        var find = FindCoordinatorRequest()
        find.key = "classic-1-0"
        var heartbeat = HeartbeatRequest()
        heartbeat.groupID = "classic-1-0"
        let begun = ticks()
        while seconds(since: begun) < 20 {
            let isFound = client.ask(find, version: 1)?.errorCode == ErrorCode.none
            // Whoever coordinates the group says that it does not know it.
            if isFound, client.ask(heartbeat, version: 1)?.errorCode == .unknownMemberID { return }
            usleep(20_000)
        }
        throw ChildProcess.Failed(description: "no coordinator for twenty seconds")
    }
}

/// Members of a classic group: what each waits for, and in which generation it is.
final class ClassicGroupLoad {
    private enum Waiting { case nothing, join, sync, heartbeat }

    private struct Member {
        let client: PlainClient
        var waiting = Waiting.nothing
        var id = ""
        var generation: Int32 = -1
        var isSettled = false
        var lastAsked: Int64 = 0
    }

    private let group: String
    private let everyMs: Int32
    private var members: [Member] = []
    private var leader = 0

    init(port: Int, group: String, count: Int, everyMs: Int32) throws {
        (self.group, self.everyMs) = (group, everyMs)
        for _ in 0..<count {
            guard let client = PlainClient(port: port, seconds: 60) else { throw ChildProcess.Failed(description: "nobody listens") }
            members.append(Member(client: client))
        }
    }

    /// Everybody joins, or, in a settled group, its leader anew. Milliseconds until all are in one generation and have their parts.
    func settle() throws -> Double {
        let start = ticks()
        let before = members[0].generation
        if before < 0 { for index in members.indices { join(index) } } else { join(leader) }
        while !members.allSatisfy({ $0.isSettled && $0.generation == members[0].generation && $0.generation > before }) {
            guard seconds(since: start) < 60 else { throw ChildProcess.Failed(description: "\(group) did not settle in a minute") }
            try turn()
        }
        let found = seconds(since: start) * 1000
        // Nothing is to be on its way when the next measurement begins.
        while members.contains(where: { $0.waiting != .nothing }) { try receive() }
        return found
    }

    func leave() {
        for member in members {
            var request = LeaveGroupRequest()
            (request.groupID, request.memberID) = (group, member.id)
            _ = member.client.ask(request, version: 2)
        }
    }

    private func turn() throws {
        try receive()
        let now = ticks()
        for index in members.indices where members[index].waiting == .nothing {
            guard now - members[index].lastAsked > Int64(everyMs) * 1_000_000 else { continue }
            var request = HeartbeatRequest()
            (request.groupID, request.memberID, request.generationID) = (group, members[index].id, members[index].generation)
            try sent(index, .heartbeat, members[index].client.send(request, version: 2))
        }
    }

    private func sent(_ index: Int, _ waiting: Waiting, _ isSent: Bool) throws {
        guard isSent else { throw ChildProcess.Failed(description: "a member lost its connection") }
        members[index].waiting = waiting
        members[index].lastAsked = ticks()
    }

    /// Takes in the answers that are there, or that come within a heartbeat's time.
    private func receive() throws {
        let waiting = members.indices.filter { members[$0].waiting != .nothing }
        var wanted = waiting.map { pollfd(fd: members[$0].client.descriptor, events: Int16(POLLIN), revents: 0) }
        guard poll(&wanted, nfds_t(wanted.count), everyMs) > 0 else { return }
        for (index, state) in zip(waiting, wanted) where state.revents != 0 { try answered(index) }
    }

    private func answered(_ index: Int) throws {
        let client = members[index].client
        let waiting = members[index].waiting
        members[index].waiting = .nothing
        switch waiting {
        case .nothing: return
        case .join:
            guard let answer = client.receive(JoinGroupRequest.self, version: 3), answer.errorCode == ErrorCode.none else {
                throw refused("JoinGroup")
            }
            (members[index].id, members[index].generation) = (answer.memberID, answer.generationID)
            try synchronise(index, answer)
        case .sync:
            guard let answer = client.receive(SyncGroupRequest.self, version: 2) else { throw refused("SyncGroup") }
            if answer.errorCode == ErrorCode.none { members[index].isSettled = true } else { join(index) }
        case .heartbeat:
            guard let answer = client.receive(HeartbeatRequest.self, version: 2) else { throw refused("Heartbeat") }
            if answer.errorCode != ErrorCode.none { join(index) }
        }
    }

    private func refused(_ what: String) -> ChildProcess.Failed { ChildProcess.Failed(description: "\(what) of \(group) was refused") }

    private func join(_ index: Int) {
        var request = JoinGroupRequest()
        (request.groupID, request.memberID, request.protocolType) = (group, members[index].id, "consumer")
        (request.sessionTimeoutMs, request.rebalanceTimeoutMs) = (30_000, 60_000)
        var range = JoinGroupRequest.GroupProtocol()
        (range.name, range.metadata) = ("range", Bytes("members say nothing here"))
        request.protocols = [range]
        members[index].isSettled = false
        members[index].lastAsked = ticks()
        if members[index].client.send(request, version: 3) { members[index].waiting = .join }
    }

    private func synchronise(_ index: Int, _ answer: JoinGroupResponse) throws {
        var request = SyncGroupRequest()
        (request.groupID, request.memberID, request.generationID) = (group, answer.memberID, answer.generationID)
        if answer.leader == answer.memberID {
            leader = index
            request.assignments = answer.members.map { member in
                var assignment = SyncGroupRequest.Assignment()
                (assignment.memberID, assignment.assignment) = (member.memberID, Bytes("a part"))
                return assignment
            }
        }
        try sent(index, .sync, members[index].client.send(request, version: 2))
    }
}

/// Members of a group of KIP-848, which hear of what they are to have by their heartbeats.
final class ConsumerGroupLoad {
    private struct Member {
        let client: PlainClient
        var id = ""
        var epoch: Int32 = 0
        var owned: [ConsumerGroupHeartbeatRequest.TopicPartitions] = []
        /// What it has is not what the coordinator heard last.
        var hasNews = true

        var count: Int { owned.reduce(0) { $0 + $1.partitions.count } }
    }

    private let port: Int
    private let group: String
    private let topic: String
    private let partitions: Int
    private var members: [Member] = []

    init(port: Int, group: String, count: Int, topic: String, partitions: Int) throws {
        (self.port, self.group, self.topic, self.partitions) = (port, group, topic, partitions)
        for _ in 0..<count { try add() }
    }

    private func add() throws {
        guard let client = PlainClient(port: port, seconds: 60) else { throw ChildProcess.Failed(description: "nobody listens") }
        members.append(Member(client: client))
    }

    /// Milliseconds until everybody is in the group's epoch and all partitions are shared out evenly.
    func settle(withOneMore: Bool) throws -> Double {
        if withOneMore { try add() }
        let start = ticks()
        while true {
            for index in members.indices { try heartbeat(index) }
            for index in members.indices { try answered(index) }
            let (least, most) = (partitions / members.count, (partitions + members.count - 1) / members.count)
            let isShared = members.allSatisfy { least...most ~= $0.count && $0.epoch == members[0].epoch && !$0.hasNews }
            if isShared, members.reduce(0, { $0 + $1.count }) == partitions { return seconds(since: start) * 1000 }
            guard seconds(since: start) < 60 else { throw ChildProcess.Failed(description: "\(group) did not settle in a minute") }
        }
    }

    func leave() {
        for member in members {
            var request = ConsumerGroupHeartbeatRequest()
            (request.groupID, request.memberID, request.memberEpoch) = (group, member.id, -1)
            _ = member.client.ask(request, version: 0)
        }
    }

    private func heartbeat(_ index: Int) throws {
        let member = members[index]
        var request = ConsumerGroupHeartbeatRequest()
        (request.groupID, request.memberID, request.memberEpoch) = (group, member.id, member.epoch)
        if member.epoch == 0 {
            request.rebalanceTimeoutMs = 60_000
            request.subscribedTopicNames = [topic]
        }
        if member.hasNews { request.topicPartitions = member.owned }
        members[index].hasNews = false
        guard member.client.send(request, version: 0) else { throw ChildProcess.Failed(description: "a member lost its connection") }
    }

    private func answered(_ index: Int) throws {
        guard let answer = members[index].client.receive(ConsumerGroupHeartbeatRequest.self, version: 0), answer.errorCode == ErrorCode.none
        else { throw ChildProcess.Failed(description: "a heartbeat of \(group) was refused") }
        if let id = answer.memberID { members[index].id = id }
        members[index].epoch = answer.memberEpoch
        guard let assignment = answer.assignment else { return }
        let owned = assignment.topicPartitions.map { topic in
            var row = ConsumerGroupHeartbeatRequest.TopicPartitions()
            (row.topicID, row.partitions) = (topic.topicID, topic.partitions)
            return row
        }
        members[index].owned = owned
        members[index].hasNews = true
    }
}
