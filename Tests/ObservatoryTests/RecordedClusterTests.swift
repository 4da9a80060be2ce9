import ClientCore
import Foundation
import Primitives
import Testing
import Wire

@testable import Observatory

/// The observer on answers that a real Apache Kafka 4.3.1 gave to other clients, byte for byte: what the console would show of it.
@Suite struct RecordedClusterTests {
    /// Every recorded answer to one kind of request, from all clients that ask as we do.
    private static func answers<R: WireRequest>(to: R.Type, _ client: String) throws -> [(version: Int16, response: R.Response)] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/wire/\(client).tsv")
        var found: [(Int16, R.Response)] = []
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
            let cells = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard cells.count == 4, Int16(cells[0]) == R.apiKey.rawValue, let version = Int16(cells[1]), cells[3] != "-" else { continue }
            guard R.apiKey.validVersions.contains(version) else { continue }
            let frame = try #require(Bytes(hex: String(cells[3])))
            found.append((version, try decodeResponse(frame, to: R.self, version: version).response))
        }
        return found
    }

    private static let clients = ["java-admin", "kafka-python", "confluent", "probe"]

    private func all<R: WireRequest>(_: R.Type) throws -> [R.Response] {
        try RecordedClusterTests.clients.flatMap { try RecordedClusterTests.answers(to: R.self, $0).map(\.response) }
    }

    /// An observer of the recorded cluster: every request it sends is answered with what Kafka answered to the same request of another
    /// client; broker 2 was down at that time.
    private func observed() throws -> (story: MachineStory<Observer>, snapshot: ClusterSnapshot) {
        var story = MachineStory(Observer(bootstrap: ["127.0.0.1:21192"]))
        story.machine.interest = Interest(.overview)
        story.start()
        let metadata = try #require(try all(MetadataRequest.self).first { $0.topics.count > 20 })
        story.answer(metadata, from: 1)
        for listed in try all(ListGroupsRequest.self).filter({ $0.groups.contains { !$0.groupType.isEmpty } }).prefix(2) {
            story.answer(listed, from: 1)
        }
        // Of each kind every recorded answer is tried: what is about groups and topics that this observer knows is taken in.
        for answer in try all(DescribeGroupsRequest.self) { fold(answer, &story) }
        for answer in try all(ConsumerGroupDescribeRequest.self) { fold(answer, &story) }
        for answer in try all(OffsetFetchRequest.self) { for group in answer.groups { story.machine.snapshot.fold(group, at: 1) } }
        for answer in try all(ListOffsetsRequest.self) { story.machine.snapshot.fold(answer, timestamp: -1, at: 1) }
        for answer in try all(DescribeLogDirsRequest.self) where answer.results.contains(where: { $0.topics.count > 1 }) {
            story.machine.snapshot.fold(answer, of: 1, withReplicas: true, at: 1)
        }
        for answer in try all(DescribeQuorumRequest.self) { story.machine.snapshot.fold(answer, at: 1) }
        for answer in try all(DescribeConfigsRequest.self) { story.machine.snapshot.fold(answer, at: 1) }
        for id in story.machine.snapshot.groups.keys { story.machine.snapshot.joinOffsets(id) }
        story.machine.snapshot.sumSizes(at: 1)
        story.machine.snapshot.countHealth()
        return (story, story.machine.snapshot)
    }

    private func fold(_ answer: DescribeGroupsResponse, _ story: inout MachineStory<Observer>) {
        let described = answer.groups.filter { !$0.members.isEmpty }
        for group in described { story.machine.snapshot.groups[group.groupID, default: GroupSnapshot(id: group.groupID)].type = "classic" }
        story.machine.snapshot.fold(answer, at: 1)
    }

    private func fold(_ answer: ConsumerGroupDescribeResponse, _ story: inout MachineStory<Observer>) {
        let described = answer.groups.filter { !$0.members.isEmpty }
        for group in described { story.machine.snapshot.groups[group.groupID, default: GroupSnapshot(id: group.groupID)].type = "consumer" }
        story.machine.snapshot.fold(answer, at: 1)
    }

    @Test func metadataIsUnderstood() throws {
        let (story, snapshot) = try observed()
        #expect(snapshot.clusterID == "4L6g3nShT-eMCtK--X86sw")
        #expect(snapshot.brokers.keys == [1, 3])
        #expect(snapshot.broker(3)?.address == "127.0.0.1:21392")
        #expect(snapshot.broker(3)?.rack == "rack-3")
        let work = try #require(snapshot.topic("work"))
        #expect(work.partitions.map(\.leader) == [1, 3, 3, 3, 1, 1])
        #expect(work.partitions.map(\.leaderEpoch) == [0, 3, 0, 0, 3, 0])
        #expect(work.partitions.map(\.replicas)[1] == [2, 3, 1])
        #expect(work.underReplicated == 6)
        #expect(snapshot.topic("__share_group_state")?.isInternal == true)
        #expect(snapshot.health.underReplicatedPartitions > 6)
        // Those whose only replica was on broker 2.
        #expect(snapshot.health.offlinePartitions == 3)
        // One ListOffsets for ends and one for starts to each of the two leaders that are there.
        #expect(story.sentKeys.count { $0 == .listOffsets } == 4)
    }

    @Test func groupsAreUnderstood() throws {
        let (_, snapshot) = try observed()
        #expect(snapshot.group("act-share")?.type == "share")
        let classic = try #require(snapshot.group("act-coop"))
        #expect(classic.assignor == "cooperative-sticky" || classic.members.isEmpty)
        let modern = try #require(snapshot.group("act-848"))
        #expect(modern.state == "Stable")
        #expect(modern.assignor == "uniform")
        #expect(modern.groupEpoch == 3)
        #expect(modern.members.count == 2)
        let fixed = try #require(modern.members.first { $0.instanceID == "static-2" })
        #expect(fixed.assignment == [TopicPartition("work", 0), TopicPartition("work", 1), TopicPartition("work", 2)])
        #expect(fixed.targetAssignment == fixed.assignment)
        #expect(fixed.memberEpoch == 3)
        let librdkafka = try #require(snapshot.group("cf-act")?.members.first)
        #expect(librdkafka.clientID == "rdkafka")
        #expect(librdkafka.subscription == ["cf"])
        #expect(librdkafka.assignment.count == 4)
        let python = try #require(snapshot.group("kp-act")?.members.first)
        #expect(python.instanceID == "kick")
        #expect(python.assignment.map(\.partition) == [0, 1, 2, 3])
    }

    @Test func commitsAndEndsMakeTheLag() throws {
        var snapshot = try observed().snapshot
        snapshot.groups["act-classic"] = GroupSnapshot(id: "act-classic")
        for answer in try all(OffsetFetchRequest.self) { for group in answer.groups { snapshot.fold(group, at: 2) } }
        let group = try #require(snapshot.group("act-classic"))
        #expect(group.partitions.map(\.committed) == [339, 335, 374, 306, 677, 372])
        #expect(group.partitions.compactMap(\.lag) == [0, 0])
        #expect(group.lag == 0)
    }

    @Test func disksQuorumAndConfigsAreUnderstood() throws {
        let (_, snapshot) = try observed()
        let disk = try #require(snapshot.broker(1)?.disk)
        #expect(disk.directories.map(\.path) == ["/var/lib/kafka/c3-1"])
        #expect(disk.totalBytes == 270_553_174_016)
        // Sizes are those of the leader: partitions 0, 4 and 5 are led by broker 1.
        #expect(snapshot.topic("work")?.partitions.map(\.sizeBytes) == [38_293, nil, nil, nil, 61_883, 32_421])
        #expect(snapshot.quorum?.voters.count == 3)
        #expect(snapshot.isControllerExact)
        let configs = try #require(snapshot.configs[.topic("kp")])
        #expect(configs.entries.count == 33)
        #expect(configs.entry("compression.type")?.value == "producer")
        #expect(configs.entry("retention.ms")?.type == "long")
        #expect(snapshot.configs[.topic("nope")]?.observation.error != nil)
    }

    @Test func replicationIsUnderstood() throws {
        var snapshot = try observed().snapshot
        let moving = try #require(try all(ListPartitionReassignmentsRequest.self).first { !$0.topics.isEmpty })
        snapshot.fold(moving, at: 2)
        for (name, reassignment) in snapshot.reassignments {
            #expect(!reassignment.adding.isEmpty || !reassignment.removing.isEmpty, "\(name)")
            #expect(reassignment.target.allSatisfy { !reassignment.removing.contains($0) })
            #expect(reassignment.original.allSatisfy { !reassignment.adding.contains($0) })
        }
        #expect(!snapshot.reassignments.isEmpty)
        for answer in try all(ListPartitionReassignmentsRequest.self) where answer.topics.isEmpty { snapshot.fold(answer, at: 3) }
        #expect(snapshot.reassignments.isEmpty && snapshot.observations.reassignments.time == 3)
        for answer in try all(DescribeClusterRequest.self) { snapshot.fold(answer) }
        for answer in try all(DescribeTopicPartitionsRequest.self) { snapshot.fold(answer) }
        #expect(snapshot.quorum?.voters.contains { $0.address.hasPrefix("127.0.0.1:") } == true)
    }

    /// Elections that were not needed and cancellations of what had ended are no failures; all else is told in Kafka's words.
    @Test func refusalsOfReassignmentsAndElectionsAreToldInKafkasWords() throws {
        let step: PlanStep = .electLeaders([], unclean: false)
        let told = try all(AlterPartitionReassignmentsRequest.self).flatMap { step.refusals(in: $0) }
        #expect(
            told.contains { $0.hasPrefix("big-0: INVALID_REPLICA_ASSIGNMENT: ") || $0.contains("INVALID_REPLICA_ASSIGNMENT") }, "\(told)")
        #expect(!told.contains { $0.contains("NO_REASSIGNMENT_IN_PROGRESS") }, "\(told)")
        let elections = try all(ElectLeadersRequest.self).flatMap { step.refusals(in: $0) }
        #expect(elections.contains { $0.contains("PREFERRED_LEADER_NOT_AVAILABLE: ") }, "\(elections)")
        #expect(!elections.contains { $0.contains("ELECTION_NOT_NEEDED") }, "\(elections)")
    }
}
