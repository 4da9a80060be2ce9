import Primitives
import Testing

@testable import Observatory

private let noon = Timestamp(milliseconds: 1_795_257_000_000)
private func ago(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: noon.milliseconds - seconds * 1000) }

/// A cluster in which all is well, for causes to be put into.
private func calm(partitions: Int32 = 6, members: Int = 3) -> ClusterSnapshot {
    var snapshot = ClusterSnapshot()
    snapshot.time = noon
    snapshot.bootstrap = ["kafka:9092"]
    for id in Int32(1)...3 {
        var broker = BrokerSnapshot(id: BrokerID(id), host: "b\(id)", port: 9092)
        (broker.leaders, broker.replicas, broker.latencyMs) = (2, 6, 2)
        broker.disk = BrokerDisk(directories: [.init(path: "/data", error: nil, usedBytes: 100, totalBytes: 1_000, usableBytes: 800)])
        snapshot.brokers[BrokerID(id)] = broker
    }
    var topic = TopicSnapshot(
        name: "orders",
        partitions: (0..<partitions).map { index in
            let replicas = (0..<3).map { BrokerID((index + $0) % 3 + 1) }
            var partition = PartitionSnapshot(index: index, leader: replicas[0], replicas: replicas, inSyncReplicas: replicas)
            (partition.startOffset, partition.endOffset, partition.stableOffset) = (0, 100_000, 100_000)
            (partition.sizeBytes, partition.messageRate) = (10_000_000, 50)
            return partition
        })
    (topic.minInSyncReplicas, topic.retentionMs, topic.retentionBytes, topic.deletesOldRecords) = (2, 7 * 86_400_000, -1, true)
    snapshot.topics["orders"] = topic
    var group = GroupSnapshot(id: "billing", state: "Stable", type: "classic", protocolType: "consumer")
    (group.assignor, group.coordinator) = ("range", 2)
    group.members = (0..<members).map {
        MemberSnapshot(id: "m\($0)", clientID: "billing-\($0)", host: "/10.0.0.\($0)", subscription: ["orders"])
    }
    for index in 0..<partitions {
        let name = TopicPartition("orders", index)
        var row = GroupPartitionSnapshot(partition: name, committed: 100_000, start: 0, end: 100_000)
        if members > 0 {
            let owner = Int(index) % members
            row.member = "m\(owner)"
            group.members[owner].assignment.append(name)
        }
        (row.analysis.lag, row.analysis.rateIn, row.analysis.rateOut, row.analysis.drainMs) = (0, 50, 50, 0)
        row.analysis.timeLag = TimeLag(0, .exact)
        group.partitions.append(row)
    }
    snapshot.groups["billing"] = group
    snapshot.judgeAgain()
    return snapshot
}

extension ClusterSnapshot {
    /// What the group's analysis is when its partitions' are these.
    fileprivate mutating func judgeAgain() {
        groups.update("billing") { group in
            group.lag = group.partitions.reduce(0) { $0 + ($1.lag ?? 0) }
            group.analysis = GroupLag.judge(group.partitions.map { ($0.partition, $0.analysis) })
        }
    }

    fileprivate mutating func each(_ only: Range<Int>? = nil, _ change: (inout GroupPartitionSnapshot) -> Void) {
        groups.update("billing") { group in
            for index in group.partitions.indices where only?.contains(index) ?? true { change(&group.partitions[index]) }
        }
    }

    /// Partitions that are behind, judged so.
    fileprivate mutating func lag(
        _ lag: Int64, _ verdict: LagVerdict, in rateIn: Double = 50, out rateOut: Double = 25, age: Int64 = 60, frozen: Int64? = nil,
        only: Range<Int>? = nil
    ) {
        each(only) { row in
            row.committed = Offset(100_000 - lag)
            (row.analysis.lag, row.analysis.verdict, row.analysis.rateIn, row.analysis.rateOut) = (lag, verdict, rateIn, rateOut)
            row.analysis.timeLag = TimeLag(age * 1000, .exact)
            row.analysis.frozenMs = frozen.map { $0 * 1000 }
            row.analysis.trend = rateIn > rateOut ? .rising : rateIn < rateOut ? .falling : .steady
            row.analysis.drainMs = rateOut > rateIn ? Int64(Double(lag) / (rateOut - rateIn) * 1000) : nil
        }
        judgeAgain()
    }

    fileprivate mutating func happened(_ seconds: Int64, _ kind: ClusterEvent.Kind) {
        events.append(ClusterEvent(time: ago(seconds), kind: kind))
        eventCount += 1
    }

    fileprivate mutating func rebalanced(
        _ seconds: Int64, _ step: RebalanceEvent.Step, _ reason: RebalanceEvent.Reason, _ client: String = ""
    ) {
        happened(seconds, .rebalance(RebalanceEvent(group: "billing", generation: 1, step: step, reason: reason, clientID: client)))
    }
}

private struct Case: Sendable {
    var cause: Diagnosis.Cause
    /// What must be said, in the sentence or as evidence or in a command.
    var says: [String]
    var make: @Sendable () -> Diagnosis
}

private func group(
    _ cause: Diagnosis.Cause, _ says: [String], members: Int = 3, _ change: @escaping @Sendable (inout ClusterSnapshot) -> Void
) -> Case {
    Case(cause: cause, says: says) {
        var snapshot = calm(members: members)
        change(&snapshot)
        return Diagnosis.ofGroup("billing", snapshot)
    }
}

private func other(
    _ cause: Diagnosis.Cause, _ says: [String], of make: @escaping @Sendable (ClusterSnapshot) -> Diagnosis,
    _ change: @escaping @Sendable (inout ClusterSnapshot) -> Void = { _ in }
) -> Case {
    Case(cause: cause, says: says) {
        var snapshot = calm()
        change(&snapshot)
        return make(snapshot)
    }
}

private let first = TopicPartition("orders", 0)

/// One row per cause: what is seen, what is said.
@Suite struct DiagnosisTests {
    private static let groups: [Case] = [
        group(.keepsUp, ["keeps up"]) { _ in },
        group(.neverCommitted, ["committed nothing"]) { $0.groups.update("billing") { $0.partitions = [] } },
        group(.coordinatorUnavailable, ["Broker 2", "cannot commit"]) { $0.brokers.update(2) { $0.isAlive = false } },
        group(.leaderOffline, ["orders-0", "no leader", "brokers 1, 2, 3"]) {
            $0.lag(500, .growing)
            $0.topics.update("orders") { $0.partitions[0].leader = nil }
        },
        group(.recordsLost, ["2,000 records", "the log begins at 92,000", "7 days", "--to-earliest"]) {
            $0.lag(10_000, .lost, only: 0..<1)
            $0.each(0..<1) { $0.start = 92_000 }
        },
        group(.dataLossNear, ["orders-0", "within 30 min", "retention.ms of orders: 1 h", "retention.ms=86400000"]) {
            $0.topics.update("orders") { $0.retentionMs = 3_600_000 }
            $0.lag(500, .growing, age: 1_800)
        },
        group(.dataLossNear, ["retention.bytes"]) {
            $0.topics.update("orders") { $0.retentionBytes = 1_100_000 }
            $0.lag(10_000, .growing, age: 10)
        },
        group(
            .openTransaction,
            ["orders-0", "last stable offset 90,000", "10,000 records wait", "producer id 77, epoch 3", "abort --topic orders"]
        ) {
            $0.lag(10_000, .stalled, frozen: 90, only: 0..<1)
            $0.topics.update("orders") { topic in
                topic.partitions[0].stableOffset = 90_000
                topic.partitions[0].producers = [ProducerSnapshot(producerID: 77, epoch: 3, lastTime: ago(300), transactionStart: 90_000)]
            }
        },
        group(
            .rebalanceStorm, ["12 times in ten minutes", "billing-1: joined 12, left 12 times", "expired session", "max.poll.interval.ms"]
        ) { snapshot in
            snapshot.lag(500, .growing)
            for round in Int64(0)..<12 {
                snapshot.rebalanced(500 - round * 40, .memberLeft, .sessionExpired, "billing-1")
                snapshot.rebalanced(499 - round * 40, .started, .memberLeft)
                snapshot.rebalanced(480 - round * 40, .memberJoined, .memberJoined, "billing-1")
                snapshot.rebalanced(478 - round * 40, .assigned, .memberJoined)
            }
        },
        group(.poisonRecord, ["record at offset 99,500 of orders-3", "2 members left", "1.9 MiB", "--to-offset 99501"]) { snapshot in
            snapshot.lag(500, .stalled, out: 0, frozen: 120, only: 3..<4)
            snapshot.each(3..<4) {
                $0.unread = UnreadRecord(asked: 99_500, offset: 99_500, timestamp: ago(120), bytes: 2_000_000, readAt: noon)
            }
            snapshot.rebalanced(90, .memberLeft, .sessionExpired, "billing-0")
            snapshot.rebalanced(40, .memberLeft, .sessionExpired, "billing-1")
        },
        group(.noMembers, ["no members", "3,000 records wait", "billing-2 left 5 min ago", "session expired"], members: 0) { snapshot in
            snapshot.groups.update("billing") { $0.state = "Empty" }
            snapshot.lag(500, .stopped, out: 0, frozen: 300)
            snapshot.rebalanced(300, .memberLeft, .sessionExpired, "billing-2")
        },
        group(.nobodyOwns, ["1 partition", "3 members", "orders-2", "subscribed: orders"]) {
            $0.lag(500, .stopped, out: 0, frozen: 60, only: 2..<3)
            $0.each(2..<3) { $0.member = nil }
        },
        group(.stalled, ["billing-0 owns orders-0", "for 2 min", "alive by its heartbeats"]) {
            $0.lag(500, .stalled, out: 0, frozen: 120, only: 0..<1)
        },
        group(.stopped, ["stopped for 2 min"], members: 0) {
            $0.groups.update("billing") { $0.state = "Empty" }
            $0.lag(500, .stopped, out: 1, frozen: 120)
        },
        group(.rewound, ["went back", "90,000 → 50,000"]) {
            $0.lag(50_000, .rewound, only: 1..<2)
            $0.each(1..<2) { row in
                row.commits.append(ago(60), 90_000)
                row.commits.append(ago(30), 50_000)
            }
        },
        group(.rebalancing, ["PreparingRebalance"]) { $0.groups.update("billing") { $0.state = "PreparingRebalance" } },
        group(.hotPartition, ["orders-4 takes 100%", "9,000 unread", "keys"]) {
            $0.lag(100, .behind, in: 10, out: 10)
            $0.lag(9_000, .growing, in: 100, out: 20, only: 4..<5)
        },
        group(.lopsided, ["billing-0 has 4 partitions and billing-1 2", "range", "cooperative-sticky"], members: 2) { snapshot in
            snapshot.groups.update("billing") { group in
                group.members[0].assignment = (0..<4).map { TopicPartition("orders", $0) }
                group.members[1].assignment = (4..<6).map { TopicPartition("orders", $0) }
            }
            snapshot.each { $0.member = $0.partition.partition < 4 ? "m0" : "m1" }
            snapshot.lag(500, .growing)
        },
        group(.idleMembers, ["1 of 4 members has nothing to do", "billing-3"]) { snapshot in
            snapshot.groups.update("billing") { $0.members.append(MemberSnapshot(id: "m3", clientID: "billing-3", host: "/10.0.0.9")) }
        },
        group(.tooFewMembers, ["3 members for 6 partitions", "300/s are written, 150/s read", "3 more members"]) { $0.lag(500, .growing) },
        group(.tooSlow, ["150/s against 300/s", "a member of its own"], members: 6) { $0.lag(500, .growing) },
        group(.catchingUp, ["all in 20 s"]) { $0.lag(500, .catchingUp, in: 25, out: 50) },
        group(.behind, ["1 min late"]) { $0.lag(500, .behind, in: 50, out: 50) },
        group(.watching, ["too short a time"]) { $0.lag(500, .watching) },
        other(.unknown, ["no such group"], of: { Diagnosis.ofGroup("nobody", $0) }),
    ]

    private static let others: [Case] = [
        other(.well, ["all 3 in sync"], of: { Diagnosis.ofPartition(first, $0) }),
        other(
            .leaderOffline, ["no leader", "broker 1: gone for 3 min 20 s", "broker 2: alive", "unclean"],
            of: { Diagnosis.ofPartition(first, $0) }
        ) {
            $0.topics.update("orders") { ($0.partitions[0].leader, $0.partitions[0].inSyncReplicas) = (nil, [1]) }
            $0.brokers.update(1) { $0.isAlive = false }
            $0.happened(200, .brokerDown(broker: 1, reason: ""))
        },
        other(.underMinISR, ["1 in sync, 2 needed", "broker 3: alive, 700 records behind"], of: { Diagnosis.ofPartition(first, $0) }) {
            $0.topics.update("orders") { topic in
                topic.partitions[0].inSyncReplicas = [1]
                topic.partitions[0].update(1) { $0.logEndOffset = 100_000 }
                topic.partitions[0].update(3) { $0.logEndOffset = 99_300 }
            }
        },
        other(.underReplicated, ["because broker 3 is gone"], of: { Diagnosis.ofPartition(first, $0) }) {
            $0.topics.update("orders") { $0.partitions[0].inSyncReplicas = [1, 2] }
            $0.brokers.update(3) { $0.isAlive = false }
        },
        other(.followerBehind, ["Broker 3 follows orders-0", "throttled to 1.0 MiB/s"], of: { Diagnosis.ofPartition(first, $0) }) {
            $0.topics.update("orders") { $0.partitions[0].inSyncReplicas = [1, 2] }
            $0.brokers.update(3) { $0.followerThrottle = 1 << 20 }
        },
        other(.reassigning, ["to brokers 1, 2, 3, coming 3"], of: { Diagnosis.ofPartition(first, $0) }) {
            $0.topics.update("orders") { $0.partitions[0].addingReplicas = [3] }
        },
        other(
            .notPreferred, ["Broker 2 leads orders-0 in the place of broker 1", "--election-type preferred"],
            of: { Diagnosis.ofPartition(first, $0) }
        ) {
            $0.topics.update("orders") { $0.partitions[0].leader = 2 }
        },
        other(.openTransaction, ["stop at offset 90,000"], of: { Diagnosis.ofPartition(first, $0) }) {
            $0.topics.update("orders") { $0.partitions[0].stableOffset = 90_000 }
        },
        other(.dataLossNear, ["Group billing", "within 30 min"], of: { Diagnosis.ofPartition(first, $0) }) {
            $0.topics.update("orders") { $0.retentionMs = 3_600_000 }
            $0.lag(500, .growing, age: 1_800)
        },
        other(.recordsLost, ["Group billing has lost 2,000"], of: { Diagnosis.ofPartition(first, $0) }) {
            $0.lag(10_000, .lost, only: 0..<1)
            $0.each(0..<1) { $0.start = 92_000 }
        },
        other(.well, ["6 partitions, all led"], of: { Diagnosis.ofTopic("orders", $0) }),
        other(.underReplicated, ["6 partitions of orders: under-replicated", "0, 1, 2"], of: { Diagnosis.ofTopic("orders", $0) }) {
            $0.topics.update("orders") { topic in
                for index in topic.partitions.indices { topic.partitions[index].inSyncReplicas.removeAll { $0 == 3 } }
            }
            $0.brokers.update(3) { $0.isAlive = false }
        },
        other(.readersBehind, ["1 of 1 groups", "billing: growing, 3,000 unread"], of: { Diagnosis.ofTopic("orders", $0) }) {
            $0.lag(500, .growing)
        },
        other(.throttleLeftBehind, ["0:1"], of: { Diagnosis.ofTopic("orders", $0) }) {
            $0.topics.update("orders") { $0.throttledLeaders = "0:1" }
        },
        other(.skewedWrites, ["Partition 5 takes 80%"], of: { Diagnosis.ofTopic("orders", $0) }) {
            $0.topics.update("orders") { $0.partitions[5].messageRate = 1_000 }
        },
        other(.well, ["2 leaders, 6 replicas"], of: { Diagnosis.ofBroker(1, $0) }),
        other(.brokerGone, ["no longer lists it", "since 1 min ago", "6 partitions lack a replica"], of: { Diagnosis.ofBroker(3, $0) }) {
            $0.brokers.update(3) { $0.isAlive = false }
            $0.topics.update("orders") { topic in
                for index in topic.partitions.indices { topic.partitions[index].inSyncReplicas.removeAll { $0 == 3 } }
            }
            $0.happened(60, .brokerDown(broker: 3, reason: "no heartbeat"))
        },
        other(.brokerFenced, ["fenced", "session expired"], of: { Diagnosis.ofBroker(3, $0) }) {
            $0.brokers.update(3) { ($0.isFenced, $0.isAlive) = (true, false) }
            $0.happened(60, .brokerFenced(broker: 3, brokerEpoch: 9, cause: "session expired"))
        },
        other(.diskFailed, ["KAFKA_STORAGE_ERROR", "/data"], of: { Diagnosis.ofBroker(1, $0) }) {
            $0.brokers.update(1) { $0.disk?.directories[0].error = "KAFKA_STORAGE_ERROR" }
        },
        other(.diskFull, ["80 B of 1000 B are free"], of: { Diagnosis.ofBroker(1, $0) }) {
            $0.brokers.update(1) { $0.disk?.directories[0].usableBytes = 80 }
        },
        other(.followerBehind, ["2 of its 6 replicas"], of: { Diagnosis.ofBroker(3, $0) }) {
            $0.brokers.update(3) { $0.outOfSyncReplicas = 2 }
        },
        other(.notPreferred, ["2 partitions that broker 1 should lead"], of: { Diagnosis.ofBroker(1, $0) }) {
            $0.topics.update("orders") { ($0.partitions[0].leader, $0.partitions[3].leader) = (2, 2) }
        },
        other(.leaderSkew, ["leads 40 partitions, the others 2"], of: { Diagnosis.ofBroker(1, $0) }) {
            $0.brokers.update(1) { $0.leaders = 40 }
        },
        other(.slowBroker, ["800 ms, the others in 2"], of: { Diagnosis.ofBroker(1, $0) }) { $0.brokers.update(1) { $0.latencyMs = 800 } },
    ]

    private static let cases = groups + others

    @Test(arguments: cases.indices)
    func cause(index: Int) {
        let one = DiagnosisTests.cases[index]
        let diagnosis = one.make()
        #expect(diagnosis.verdict.cause == one.cause, "\(diagnosis)")
        let verdict = diagnosis.verdict
        let all = ([verdict.sentence] + verdict.evidence + verdict.steps.flatMap { [$0.text, $0.command] }).joined(separator: "\n")
        for part in one.says { #expect(all.contains(part), "\(part) is not in\n\(all)") }
        // One sentence, and something to do wherever something is wrong.
        #expect(verdict.sentence.hasSuffix(".") && !verdict.sentence.dropLast().contains(". "))
        #expect(verdict.severity <= .notice || !verdict.steps.isEmpty)
    }

    @Test func everyCauseHasItsRow() {
        let met = Set(DiagnosisTests.cases.map(\.cause.rawValue))
        #expect(Diagnosis.Cause.allCases.map(\.rawValue).filter { !met.contains($0) } == [])
    }

    /// Whatever comes from outside, a diagnosis is made and does not trap.
    @Test(arguments: UInt64(0)..<50)
    func anyPictureCanBeDiagnosed(seed: UInt64) {
        var random = PRNG(seed: seed)
        var snapshot = calm(partitions: 3, members: 2)
        let numbers: [Int64] = [0, 1, -1, .max, .min, .max - 1, 100_000]
        snapshot.each { row in
            row.committed = random.oneIn(4) ? nil : Offset(max(0, random.pick(numbers)))
            row.start = random.oneIn(4) ? nil : Offset(max(0, random.pick(numbers)))
            row.end = random.oneIn(4) ? nil : Offset(max(0, random.pick(numbers)))
            row.analysis.verdict = random.pick(LagVerdict.allCases)
            row.analysis.frozenMs = random.oneIn(2) ? nil : Int64(random.below(1_000_000))
            row.analysis.drainMs = random.oneIn(2) ? nil : Int64(random.below(1_000_000))
            (row.analysis.rateIn, row.analysis.rateOut) = (Double(random.pick(numbers)), Double(random.pick(numbers)))
            row.analysis.timeLag = TimeLag(Int64(random.below(1_000_000)), random.pick([.exact, .atLeast]))
            row.member = random.oneIn(2) ? nil : "m0"
        }
        snapshot.topics.update("orders") { topic in
            (topic.retentionMs, topic.retentionBytes) = (random.pick(numbers), random.pick(numbers))
            for index in topic.partitions.indices {
                topic.partitions[index].stableOffset = Offset(random.pick(numbers))
                topic.partitions[index].sizeBytes = random.pick(numbers)
                topic.partitions[index].producers = [
                    ProducerSnapshot(
                        producerID: random.pick(numbers), epoch: -1, lastTime: Timestamp(milliseconds: random.pick(numbers)),
                        transactionStart: Offset(random.pick(numbers)))
                ]
                if random.oneIn(3) { topic.partitions[index].leader = nil }
            }
        }
        snapshot.groups.update("billing") { group in
            group.lag = random.pick(numbers)
            group.analysis = GroupLag.judge(group.partitions.map { ($0.partition, $0.analysis) })
        }
        for diagnosis in [
            Diagnosis.ofGroup("billing", snapshot), Diagnosis.ofTopic("orders", snapshot), Diagnosis.ofPartition(first, snapshot),
            Diagnosis.ofBroker(1, snapshot),
        ] { #expect(!diagnosis.findings.isEmpty) }
    }
}
