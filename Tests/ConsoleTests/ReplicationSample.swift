import Grid
import Observatory
import Primitives

@testable import Console

// A cluster whose replicas move, lag and fail.
extension Sample {
    static func replicating() -> ClusterSnapshot {
        var snapshot = busy()
        snapshot.topics.update("clicks") { $0.partitions[7].eligibleLeaderReplicas = [2] }
        for name in snapshot.topics.keys {
            snapshot.topics.update(name) { topic in
                topic.minInSyncReplicas = 2
                for index in topic.partitions.indices { topic.partitions[index].fillReplicas() }
            }
        }
        // One with fewer in sync than it takes, one whose third replica is behind.
        snapshot.topics.update("inventory.changes") { topic in
            topic.partitions[2].inSyncReplicas = [3]
            topic.partitions[2].update(1) { $0.logEndOffset = nil }
        }
        snapshot.topics.update("payments") { topic in
            let end = topic.partitions[1].endOffset?.rawValue ?? 0
            topic.partitions[1].update(3) { $0.logEndOffset = Offset(end - 1_204) }
        }
        addMoves(&snapshot)
        addQuorum(&snapshot)
        addReplicaEvents(&snapshot)
        snapshot.observations.reassignments = Observation(time: noon)
        snapshot.countHealth()
        snapshot.health.groups = snapshot.groups.count
        return snapshot
    }

    private static func addMoves(_ snapshot: inout ClusterSnapshot) {
        var fourth = BrokerSnapshot(id: 4, host: "broker-4.internal", port: 9092, rack: "rack-1")
        fourth.replicas = 2
        fourth.latencyMs = 1
        snapshot.brokers[4] = fourth
        for (index, done) in [(Int32(0), 0.62), (1, 0.08)] {
            let name = TopicPartition("orders", index)
            let total = snapshot.partition(name)?.sizeBytes ?? 0
            let gone: BrokerID = index == 0 ? 3 : 1
            snapshot.topics.update("orders") { topic in
                topic.partitions[Int(index)].replicas.append(4)
                topic.partitions[Int(index)].addingReplicas = [4]
                topic.partitions[Int(index)].removingReplicas = [gone]
                let size = Int64(Double(total) * done)
                topic.partitions[Int(index)].update(4) { ($0.sizeBytes, $0.logEndOffset) = (size, Offset(size / 212)) }
                topic.throttledLeaders = "0:1,0:2,0:3,1:1,1:2,1:3"
                topic.throttledFollowers = "0:4,1:4"
            }
            var moving = ReassignmentSnapshot(
                partition: name, replicas: snapshot.partition(name)?.replicas ?? [], adding: [4], removing: [gone], since: noon)
            moving.bytesTotal = total
            moving.bytesLeft = Int64(Double(total) * (1 - done))
            for step in 0..<4 {
                let time = Timestamp(milliseconds: noon.milliseconds - Int64(3 - step) * 1000)
                moving.samples.append(.init(time: time, bytesLeft: (moving.bytesLeft ?? 0) + Int64(3 - step) * 5_242_880))
            }
            snapshot.reassignments[name] = moving
        }
        for id in snapshot.brokers.keys {
            snapshot.brokers.update(id) { ($0.leaderThrottle, $0.followerThrottle) = (10_485_760, 10_485_760) }
        }
        snapshot.topics.update("audit-log") { $0.throttledFollowers = "0:2" }
    }

    private static func addQuorum(_ snapshot: inout ClusterSnapshot) {
        func node(_ id: BrokerID, _ end: Int64, _ lag: Int64, _ age: Int64) -> QuorumSnapshot.Node {
            let time = Timestamp(milliseconds: noon.milliseconds - age)
            var node = QuorumSnapshot.Node(id: id, logEndOffset: Offset(end), lag: lag, lastFetch: time, lastCaughtUp: time)
            node.address = "broker-\(id).internal:9093"
            return node
        }
        snapshot.quorum = QuorumSnapshot(
            leader: 1, quorumEpoch: 7, highWatermark: 18_204,
            voters: [node(1, 18_206, 0, 0), node(2, 18_206, 0, 212), node(3, 18_011, 195, 31_000)],
            observers: [node(4, 18_206, 0, 340)])
        snapshot.observations.quorum = Observation(time: noon)
    }

    private static func addReplicaEvents(_ snapshot: inout ClusterSnapshot) {
        let kinds: [(Int64, ClusterEvent.Kind)] = [
            (95, .chaos(broker: 3, action: .kill)),
            (94, .brokerFenced(broker: 3, brokerEpoch: 118, cause: "not heard of")),
            (
                94,
                .leaderChanged(
                    partition: TopicPartition("orders", 2), from: 3, to: 1, epochs: EpochChange(4, 5), cause: "broker 3 is down")
            ),
            (
                94,
                .inSyncReplicasChanged(
                    partition: TopicPartition("orders", 2), from: [3, 1, 2], to: [1, 2], leaderEpoch: 5,
                    partitionEpochs: EpochChange(11, 12),
                    cause: "broker 3 is down")
            ),
            (93, .controllerChanged(from: 3, to: 1, epochs: EpochChange(6, 7))),
            (60, .brokerUnfenced(broker: 3, brokerEpoch: 131)),
            (58, .logTruncated(partition: TopicPartition("orders", 2), broker: 3, from: 1_206_940, to: 1_206_937)),
            (40, .reassignmentStarted(partition: TopicPartition("orders", 0), from: [1, 2, 3], to: [1, 2, 4])),
            (20, .reassignmentEnded(partition: TopicPartition("payments", 0), replicas: [1, 2, 3], wasCancelled: true)),
        ]
        for (seconds, kind) in kinds {
            snapshot.events.append(ClusterEvent(time: Timestamp(milliseconds: noon.milliseconds - seconds * 1000), kind: kind))
            snapshot.eventCount += 1
        }
    }

    static func reassignPlan() -> Plan {
        let wish = Reassign(.topics(["orders"]), .brokers([2, 3, 4], factor: nil), throttle: 52_428_800)
        var plan = Plan(action: .reassign(wish), title: "Reassign topic orders to brokers 2,3,4")
        plan.columns = ["PARTITION", "BEFORE", "AFTER", "TO COPY", "LEADER"]
        for index in 0..<6 {
            let old = (0..<3).map { (index + $0) % 3 + 1 }
            let new = old.map { $0 == 1 ? 4 : $0 }
            plan.rows.append(
                Plan.Row([
                    "orders-\(index)", old.map(String.init).joined(separator: ","), new.map(String.init).joined(separator: ","), "243 MiB",
                    old[0] == 1 ? "1 → 4" : "\(old[0])",
                ]))
        }
        plan.touches = [
            "6 partitions of 1 topic", "6 replicas to copy (1.4 GiB), 6 replicas to remove", "2 leaders change",
            "throttled to 50.0 MiB a second at each broker: 29 s at best",
        ]
        plan.kafkaCommand =
            "echo '{\"version\":1,\"partitions\":[{\"topic\":\"orders\",\"partition\":0,\"replicas\":[4,2,3]}]}' > reassign.json\n"
            + "kafka-reassign-partitions.sh --bootstrap-server localhost:9092 --reassignment-json-file reassign.json --execute"
            + " --throttle 52428800"
        plan.inverse = .action(.throttle(nil))
        plan.steps = [.reassign([])]
        return plan
    }

    static var conditions: OrderedMap<BrokerID, ChaosCondition> {
        var out = OrderedMap<BrokerID, ChaosCondition>()
        for id in Int32(1)...4 { out[BrokerID(id)] = ChaosCondition() }
        out.update(2) { ($0.cutFrom, $0.diskDelayMs) = ([1, 3, 4], 200) }
        out.update(3) { $0.isRunning = false }
        return out
    }
}

extension PartitionSnapshot {
    /// Replicas that are level with their leader.
    fileprivate mutating func fillReplicas() {
        let (end, size) = (endOffset, sizeBytes)
        for id in replicas { update(id) { ($0.logEndOffset, $0.sizeBytes) = (end, size) } }
    }
}
