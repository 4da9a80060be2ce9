import Broker
import Controller
import Primitives
import Replication
import Storage
import TestSupport
import Testing
import Wire

@testable import Simulator

/// Share groups on three brokers that come and go: what was accepted is over, and nothing is left out.
@Suite struct ShareStories {
    /// Members who fetch from whoever leads, and accept what they get, sometimes.
    final class Members {
        let world: World
        let topicID: Primitives.UUID
        private var epochs: [String: (broker: BrokerID, next: Int32)] = [:]
        private var held: [String: [Int64]] = [:]
        /// Offsets whose acceptance was answered.
        private(set) var accepted: Set<Int64> = []
        /// Those whose acceptance was sent and not answered, or with an error: it may have been written.
        private(set) var unsure: Set<Int64> = []
        var settled: Int { accepted.union(unsure).count }
        private(set) var deliveries = 0

        init(_ world: World) throws {
            self.world = world
            let ids = world.nodes.values.compactMap { $0.broker?.image.topic("t")?.id }
            topicID = try #require(ids.first)
        }

        func initialize() throws {
            var request = InitializeShareGroupStateRequest()
            request.groupID = "g"
            var row = InitializeShareGroupStateRequest.Topic()
            row.topicID = topicID
            row.partitions = [InitializeShareGroupStateRequest.Partition()]
            request.topics = [row]
            var find = FindCoordinatorRequest()
            find.keyType = 2
            find.coordinatorKeys = ["g:\(topicID.text):0"]
            for _ in 0..<50 {
                world.run(milliseconds: 100)
                let found = try world.ask(find, of: 1).coordinators[0]
                guard found.errorCode == .none else { continue }
                let answer = try world.ask(request, of: BrokerID(found.nodeID))
                if answer.results[0].partitions[0].errorCode == .none { return }
            }
            Issue.record("the share coordinator cannot be found")
        }

        /// One request of a member, at whoever leads now.
        func turn(_ member: String, accepts: Bool) {
            guard let leader = try? world.leader("t"), world.node(leader).broker != nil else { return world.run(milliseconds: 50) }
            var request = ShareFetchRequest()
            (request.groupID, request.memberID, request.maxRecords, request.batchSize) = ("g", member, 5, 5)
            let known = epochs[member]
            request.shareSessionEpoch = known?.broker == leader ? known?.next ?? 0 : 0
            var row = ShareFetchRequest.Topic()
            row.topicID = topicID
            var partition = ShareFetchRequest.Partition()
            let given = request.shareSessionEpoch == 0 ? [] : held[member] ?? []
            if accepts { partition.acknowledgementBatches = given.map { acknowledgement($0) } }
            row.partitions = [partition]
            request.topics = [row]
            epochs[member] = (leader, request.shareSessionEpoch + 1)
            held[member] = accepts || request.shareSessionEpoch == 0 ? [] : held[member]
            guard let answer = try? world.ask(request, of: leader), answer.errorCode == .none else {
                epochs[member] = nil
                if accepts { unsure.formUnion(given) }
                return
            }
            for result in answer.responses.flatMap(\.partitions) { took(result, member, accepts ? given : []) }
        }

        private func acknowledgement(_ offset: Int64) -> AcknowledgementBatch {
            var batch = AcknowledgementBatch()
            (batch.firstOffset, batch.lastOffset, batch.acknowledgeTypes) = (offset, offset, [1])
            return batch
        }

        private func took(_ result: ShareFetchResponse.Partition, _ member: String, _ given: [Int64]) {
            if result.acknowledgeErrorCode == .none { accepted.formUnion(given) } else { unsure.formUnion(given) }
            for range in result.acquiredRecords {
                for offset in range.firstOffset...range.lastOffset {
                    #expect(!accepted.contains(offset), "\(offset) was accepted and is delivered again")
                    held[member, default: []].append(offset)
                    deliveries += 1
                }
            }
        }
    }

    @Test(arguments: seeds(6)) func whatWasAcceptedIsOverAndNothingIsLeftOut(seed: UInt64) throws {
        let world = try World(
            seed: seed, brokers: 3,
            settings: [
                ("share.coordinator.state.topic.num.partitions", "3"), ("group.share.record.lock.duration.ms", "1000"),
                ("group.share.delivery.count.limit", "25"), ("min.insync.replicas", "2"),
                ("share.coordinator.snapshot.update.records.per.snapshot", "3"),
            ])
        world.startAll()
        try world.settle()
        try world.makeTopic("t")
        var random = PRNG(seed: seed)
        var produced: Int64 = 0
        let members = try Members(world)
        try members.initialize()
        for round in 0..<60 {
            if round % 3 == 0, (try? world.produce("t", ["a\(round)", "b\(round)"])) != nil { produced += 2 }
            members.turn(random.next() % 2 == 0 ? "m" : "n", accepts: random.next() % 3 != 0)
            if round % 15 == 7 {
                let victim = BrokerID(1 + Int32(random.next() % 3))
                world.node(victim).kill()
                members.turn("m", accepts: true)
                world.run(milliseconds: 2000)
                world.node(victim).start()
                try world.settle()
            }
            world.run(milliseconds: Int64(random.next() % 300))
        }
        let ends = world.nodes.values.compactMap { node in
            node.broker?.heldReplicas.first { $0.partition == TopicPartition("t", 0) }?.log.logEndOffset
        }
        let end = try #require(ends.max())
        #expect(end >= Offset(produced))
        for _ in 0..<300 where Int64(members.settled) < end.rawValue {
            members.turn("m", accepts: true)
            world.run(milliseconds: 200)
        }
        #expect(Int64(members.settled) == end.rawValue, "each record is accepted by somebody in the end")
        #expect(members.unsure.count < members.accepted.count && members.deliveries >= members.accepted.count)
    }
}
