import Groups
import Primitives
import Records
import TestSupport
import Testing
import Wire

/// Members that join, sync, heartbeat, commit, leave, fall silent and come back in random order, against a coordinator whose appends take
/// their time, fail, or are lost with the partition. After every event the invariants hold; a seed replays exactly.
@Suite struct RandomMembersTests {
    @Test(arguments: seeds(20))
    func theInvariantsHoldWhateverTheMembersDo(seed: UInt64) {
        var world = World(seed: seed)
        for _ in 0..<2000 { world.step() }
        world.settle()
        #expect(world.generationsSeen > 20, "something happened")
    }

    @Test func aSeedReplaysExactly() {
        var hashes: [UInt64] = []
        for _ in 0..<2 {
            var world = World(seed: 7)
            for _ in 0..<1000 { world.step() }
            hashes.append(world.trace)
        }
        #expect(hashes[0] == hashes[1])
    }
}

/// A client that plays one member: the range assignor where it leads, a commit now and then, and obedience to error codes.
private struct Player {
    enum Phase: Equatable {
        case outside
        case joining(GroupToken)
        case joined
        case syncing(GroupToken)
        case stable
        /// Does nothing until its session is surely over.
        case silent
    }

    let index: Int
    var instance: String?
    var memberID = ""
    var generation: Int32 = -1
    var phase = Phase.outside
    var leads = false
    var roster: [String] = []
    var owned: [Int32] = []
    /// The highest offset it was told to be committed, by partition.
    var commits: [GroupToken: (partition: Int32, offset: Int64)] = [:]

    /// As a client that starts anew; a static one keeps its instance id.
    mutating func reset(keepsID: Bool = false) {
        if !keepsID { memberID = "" }
        (generation, phase, leads, owned) = (-1, .outside, false, [])
    }
}

private struct World {
    static let group = "g"
    static let partitions: Int32 = 12

    var coordinator: GroupCoordinator
    var random: PRNG
    var now = Now(instant: Instant(nanoseconds: 1), wall: 1_700_000_000_000)
    var players: [Player] = []
    var answers: [GroupToken: GroupResponse] = [:]
    var unanswered: [GroupToken: String] = [:]
    var held: [(token: AppendToken, records: [GroupRecord])] = []
    var log: [[GroupRecord]] = []
    var lastToken: UInt64 = 0
    /// What was acknowledged as committed, by partition; nothing here resets offsets, so that it never goes back.
    var acknowledged: [Int32: Int64] = [:]
    var nextOffset: Int64 = 1
    var generationsSeen = 0
    var lastGeneration: Int32 = 0
    /// A hash of all that came out, in order.
    var trace: UInt64 = 0xcbf2_9ce4_8422_2325

    init(seed: UInt64) {
        random = PRNG(seed: seed)
        var config = GroupConfig()
        config.initialRebalanceDelayMs = Int32(random.below(2) * 500)
        config.groupSizeMax = 6
        coordinator = GroupCoordinator(config: config, partitionCount: 1, seed: seed)
        for index in 0..<8 {
            var player = Player(index: index)
            if index >= 6 { player.instance = "static-\(index)" }
            players.append(player)
        }
        coordinator.beginLoad(0)
        take(coordinator.finishLoad(0, now: now).effects)
    }

    // MARK: steps

    mutating func step() {
        switch random.below(20) {
        case 0..<13: act(random.below(players.count))
        case 13..<16: completeAppend(fails: random.oneIn(25))
        case 16..<19: pass(milliseconds: Int64(random.below(1500)))
        case 19 where random.oneIn(30): moveAndComeBack()
        default: pass(milliseconds: Int64(random.below(12_000)))
        }
        check()
    }

    /// Lets everything that waits come to its end, and sees that it does.
    mutating func settle() {
        for _ in 0..<200 {
            while !held.isEmpty { completeAppend(fails: false) }
            pass(milliseconds: 5_000)
            check()
        }
        #expect(unanswered.isEmpty, "every request was answered: \(unanswered.values.sorted())")
        take(coordinator.unload(0, now: now))
    }

    private mutating func completeAppend(fails: Bool) {
        guard !held.isEmpty else { return }
        let append = held.removeFirst()
        if !fails { log.append(append.records) }
        take(coordinator.appendCompleted(append.token, error: fails ? .notEnoughReplicas : .none, now: now))
    }

    /// The partition goes to another broker and returns: what waits is answered, what was being appended is lost, the rest is in the log.
    private mutating func moveAndComeBack() {
        take(coordinator.unload(0, now: now))
        #expect(unanswered.isEmpty, "unloading answers everybody")
        held = []
        coordinator.beginLoad(0)
        for records in log {
            var batch = BatchBuilder()
            for record in records { batch.append(timestamp: now.wall, key: record.key, value: record.value) }
            do { try coordinator.load(0, batches: batch.buildUncompressed(), codecs: .uncompressed) } catch { Issue.record(error) }
        }
        // The generation of a rebalance that did not end is not in the log: the next one may have its number again.
        lastGeneration = 0
        take(coordinator.finishLoad(0, now: now).effects)
    }

    private mutating func pass(milliseconds: Int64) {
        let end = now.instant.adding(milliseconds: milliseconds)
        while coordinator.nextDeadline <= end {
            move(to: max(coordinator.nextDeadline, now.instant))
            take(coordinator.tick(now))
            check()
        }
        move(to: end)
    }

    private mutating func move(to instant: Instant) {
        let wall = now.wall.milliseconds + instant.milliseconds(since: now.instant)
        now = Now(instant: instant, wall: Timestamp(milliseconds: wall))
    }

    private mutating func take(_ effects: [GroupEffect]) {
        for effect in effects {
            switch effect {
            case .respond(let token, let response):
                note("respond \(token.rawValue)")
                #expect(unanswered.removeValue(forKey: token) != nil, "each request is answered once")
                answers[token] = response
            case .append(_, let records, let token), .appendTransactional(_, let records, _, let token):
                note("append \(token.rawValue) \(records.count)")
                held.append((token, records))
            case .event(let event):
                note("event \(event.step.rawValue) \(event.generation) \(event.memberID)")
                if event.step == .completed {
                    generationsSeen += 1
                    #expect(event.generation > lastGeneration, "generations ascend")
                    lastGeneration = event.generation
                }
            case .shareState: #expect(Bool(false), "nobody here is in a share group")
            // An empty group without offsets is deleted by the retention check; the next of its name counts from one.
            case .notice(let kind): if kind == .groupDeleted(group: World.group) { lastGeneration = 0 }
            }
        }
    }

    private mutating func note(_ text: String) {
        for byte in text.utf8 { trace = (trace ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    private mutating func send(_ request: GroupRequest, _ what: String, version: Int16) -> GroupToken {
        lastToken += 1
        let token = GroupToken(lastToken)
        unanswered[token] = what
        let caller = GroupCaller(token: token, apiVersion: version, clientID: "c", clientHost: "/h")
        take(coordinator.handle(request, from: caller, now: now))
        return token
    }

    // MARK: what a player does when it is its turn

    private mutating func act(_ index: Int) {
        collectCommits(index)
        switch players[index].phase {
        case .outside: join(index)
        case .joining(let token): joinAnswered(index, token)
        case .joined: sync(index)
        case .syncing(let token): syncAnswered(index, token)
        case .stable: live(index)
        case .silent: if random.oneIn(10) { players[index].reset(keepsID: random.oneIn(2)) }
        }
    }

    private mutating func join(_ index: Int) {
        var request = JoinGroupRequest()
        request.groupID = World.group
        request.memberID = players[index].memberID
        request.groupInstanceID = players[index].instance
        request.sessionTimeoutMs = 6_000
        request.rebalanceTimeoutMs = 9_000
        request.protocolType = "consumer"
        var entry = JoinGroupRequest.GroupProtocol()
        entry.name = "range"
        entry.metadata = subscription(random.oneIn(4) ? ["t", "u"] : ["t"])
        request.protocols = [entry]
        players[index].phase = .joining(send(.join(request), "join", version: random.oneIn(2) ? 9 : 3))
    }

    private mutating func joinAnswered(_ index: Int, _ token: GroupToken) {
        guard case .join(let response) = answers[token] else {
            // Sometimes a client gives up on a request that takes too long; the coordinator cannot know.
            if random.oneIn(40) { players[index].reset(keepsID: random.oneIn(2)) }
            return
        }
        switch response.errorCode {
        case .none:
            players[index].memberID = response.memberID
            players[index].generation = response.generationID
            players[index].leads = response.leader == response.memberID && !response.skipAssignment
            players[index].roster = response.members.map(\.memberID)
            players[index].phase = .joined
        case .memberIDRequired:
            players[index].memberID = response.memberID
            players[index].phase = .outside
        case .rebalanceInProgress, .coordinatorNotAvailable, .notCoordinator: players[index].phase = .outside
        case .unknownMemberID, .fencedInstanceID, .groupMaxSizeReached: players[index].reset()
        default: Issue.record("JoinGroup answered \(response.errorCode)")
        }
    }

    private mutating func sync(_ index: Int) {
        if random.oneIn(30) { return players[index].phase = .silent }
        if random.oneIn(6) { return heartbeat(index) }
        var request = SyncGroupRequest()
        request.groupID = World.group
        request.memberID = players[index].memberID
        request.groupInstanceID = players[index].instance
        request.generationID = players[index].generation
        if players[index].leads { request.assignments = rangeAssignment(players[index].roster) }
        players[index].phase = .syncing(send(.sync(request), "sync", version: 5))
    }

    /// The members in order of id, each a run of the partitions; the first ones get one more.
    private func rangeAssignment(_ roster: [String]) -> [SyncGroupRequest.Assignment] {
        let sorted = roster.sorted()
        let share = Int(World.partitions) / sorted.count
        let more = Int(World.partitions) % sorted.count
        var next: Int32 = 0
        return sorted.enumerated().map { place, memberID in
            let count = Int32(share + (place < more ? 1 : 0))
            defer { next += count }
            var entry = SyncGroupRequest.Assignment()
            entry.memberID = memberID
            entry.assignment = Bytes((next..<(next + count)).map { UInt8($0) })
            return entry
        }
    }

    private mutating func syncAnswered(_ index: Int, _ token: GroupToken) {
        guard case .sync(let response) = answers[token] else { return }
        switch response.errorCode {
        case .none:
            players[index].owned = response.assignment.array.map { Int32($0) }
            players[index].phase = .stable
        case .rebalanceInProgress, .coordinatorNotAvailable, .notCoordinator: players[index].reset(keepsID: true)
        case .unknownMemberID, .illegalGeneration, .fencedInstanceID: players[index].reset()
        default: Issue.record("SyncGroup answered \(response.errorCode)")
        }
    }

    private mutating func live(_ index: Int) {
        switch random.below(30) {
        case 0: players[index].phase = .silent
        case 1: leave(index)
        case 2: players[index].reset(keepsID: random.oneIn(3))
        case 3..<12: commit(index)
        default: heartbeat(index)
        }
    }

    private mutating func heartbeat(_ index: Int) {
        var request = HeartbeatRequest()
        request.groupID = World.group
        request.memberID = players[index].memberID
        request.generationID = players[index].generation
        request.groupInstanceID = players[index].instance
        guard case .heartbeat(let response) = answers[send(.heartbeat(request), "heartbeat", version: 4)] else {
            Issue.record("a heartbeat is answered at once")
            return
        }
        switch response.errorCode {
        case .none: break
        case .rebalanceInProgress: players[index].reset(keepsID: true)
        default: players[index].reset()
        }
    }

    private mutating func leave(_ index: Int) {
        var entry = LeaveGroupRequest.Member()
        entry.memberID = players[index].memberID
        entry.groupInstanceID = players[index].instance
        var request = LeaveGroupRequest()
        request.groupID = World.group
        request.members = [entry]
        _ = send(.leave(request), "leave", version: 5)
        players[index].reset()
    }

    private mutating func commit(_ index: Int) {
        guard let partition = players[index].owned.isEmpty ? nil : random.pick(players[index].owned) else { return }
        var entry = OffsetCommitRequest.Partition()
        entry.partitionIndex = partition
        entry.committedOffset = nextOffset
        var topic = OffsetCommitRequest.Topic()
        topic.name = "t"
        topic.partitions = [entry]
        var request = OffsetCommitRequest()
        request.groupID = World.group
        request.memberID = players[index].memberID
        request.generationIDOrMemberEpoch = players[index].generation
        request.topics = [topic]
        players[index].commits[send(.commit(request), "commit", version: 8)] = (partition, nextOffset)
        nextOffset += 1
    }

    private mutating func collectCommits(_ index: Int) {
        for (token, commit) in players[index].commits {
            guard case .commit(let response) = answers[token] else { continue }
            players[index].commits[token] = nil
            if response.topics[0].partitions[0].errorCode == .none {
                acknowledged[commit.partition] = max(acknowledged[commit.partition] ?? 0, commit.offset)
            }
        }
    }

    // MARK: invariants

    private func check() {
        coordinator.checkInvariants()
        // A partition has one owner among the stable members of the current generation.
        guard let description = coordinator.describe(World.group) else { return }
        if description.state == .stable {
            var owners: [Int32: String] = [:]
            for member in description.members {
                for partition in member.assignment.array.map({ Int32($0) }) {
                    #expect(owners[partition] == nil, "partition \(partition) has two owners")
                    owners[partition] = member.memberID
                }
            }
        }
        for (partition, offset) in acknowledged {
            let committed = coordinator.committedOffset(World.group, TopicPartition("t", partition))
            #expect((committed?.offset.rawValue ?? 0) >= offset, "the committed offset of \(partition) went back")
        }
    }
}
