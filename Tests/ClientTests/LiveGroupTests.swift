import Client
import ClientCore
import Primitives
import Reactor
import Records
import Synchronization
import Testing
import Wire

/// Members of groups against a real broker over loopback.
@Suite struct LiveGroupTests {
    /// What one member has heard. With a client of its own, as every member has.
    final class Member: Sendable {
        struct Heard: Sendable {
            var values: [String] = []
            var owned: [TopicPartition] = []
            var generations: [Int32] = []
            var committed: [Int] = []
            var problems: [String] = []
        }
        let heard = Mutex(Heard())
        private let client: ClusterClient
        private let consumer = Mutex<GroupConsumer?>(nil)

        init(_ broker: LiveBroker, _ options: GroupConsumerOptions) {
            client = ClusterClient(bootstrap: [ServerAddress(host: "127.0.0.1", port: Int32(broker.port))], clientID: "member")
            // What is heard before it is there would not be answered.
            consumer.withLock { [client] made in made = GroupConsumer(client, options) { [weak self] output in self?.hear(output) } }
        }

        private func hear(_ output: GroupConsumerOutput) {
            switch output {
            case .joined(let membership): heard.withLock { $0.generations.append(membership.generationID) }
            case .assigned(let partitions): heard.withLock { $0.owned = ($0.owned + partitions).sorted() }
            case .revoked(let partitions), .lost(let partitions):
                heard.withLock { heard in heard.owned.removeAll { partitions.contains($0) } }
            case .records(let delivery, let records):
                heard.withLock { $0.values += records.map { $0.value?.string ?? "" } }
                consumer.withLock { $0 }?.taken(delivery: delivery)
            case .committed(let number, _): if let number { heard.withLock { $0.committed.append(number) } }
            case .failed(_, let error), .commitFailed(_, let error): heard.withLock { $0.problems.append(error.description) }
            case .positioned, .notice, .revoking, .sought: break
            }
        }

        func commit(_ number: Int) { consumer.withLock { $0 }?.commit(number: number) }
        @discardableResult
        func close() -> Bool {
            let left = consumer.withLock { $0 }?.close() ?? true
            client.stop()
            return left
        }
        /// Gone without a word, as a process that is killed.
        func vanish() {
            client.stop()
            heard.withLock { $0.owned = [] }
        }
    }

    private func wait(_ what: Comment, _ isTrue: () -> Bool) {
        for _ in 0..<1_000 {
            if isTrue() { return }
            _ = Waiter<Void>().wait(milliseconds: 20)
        }
        Issue.record(what)
    }

    private func options(_ assignors: [ConsumerAssignor]) -> GroupConsumerOptions {
        var options = GroupConsumerOptions(group: "readers", topics: ["log"])
        options.assignors = assignors
        options.offsetReset = .earliest
        options.heartbeatIntervalMs = 100
        options.sessionTimeoutMs = 6_000
        options.rebalanceTimeoutMs = 5_000
        options.autoCommitIntervalMs = 100
        options.fetchWaitMs = 100
        return options
    }

    private func makeTopic(_ broker: LiveBroker, _ partitions: Int32) throws {
        var request = CreateTopicsRequest()
        var topic = CreateTopicsRequest.Topic()
        (topic.name, topic.numPartitions, topic.replicationFactor) = ("log", partitions, 1)
        request.topics = [topic]
        #expect(try broker.client.send(request, to: .controller).topics.map(\.errorCode) == [.none])
    }

    private func produce(_ broker: LiveBroker, _ numbers: Range<Int>) {
        let producer = SimpleProducer(broker.client)
        for number in numbers { producer.send(ProducerRecord(topic: "log", key: Bytes("\(number)"), value: Bytes("\(number)"))) }
        #expect(producer.flush())
    }

    @Test(arguments: [[ConsumerAssignor.range], [.roundRobin], [.sticky], [.cooperativeSticky]])
    func membersShareHandOverAndLoseNothing(assignors: [ConsumerAssignor]) throws {
        let broker = try LiveBroker([("group.initial.rebalance.delay.ms", "0")])
        try makeTopic(broker, 6)
        produce(broker, 0..<300)
        let first = Member(broker, options(assignors))
        wait("the first member reads all") { first.heard.withLock { $0.values.count == 300 && $0.owned.count == 6 } }
        let second = Member(broker, options(assignors))
        wait("each has its half") { [first, second].allSatisfy { $0.heard.withLock { $0.owned.count } == 3 } }
        produce(broker, 300..<600)
        wait("all is read") { first.heard.withLock { $0.values.count } + second.heard.withLock { $0.values.count } >= 600 }
        #expect(first.close())
        wait("the other has it all") { second.heard.withLock { $0.owned.count } == 6 }
        produce(broker, 600..<700)
        wait("and reads it") { first.heard.withLock { $0.values.count } + second.heard.withLock { $0.values.count } >= 700 }
        second.commit(5)
        wait("a commit is told") { second.heard.withLock { $0.committed } == [5] }
        #expect(second.close())
        // In order throughout, so that nothing was read twice.
        let all = first.heard.withLock { $0.values } + second.heard.withLock { $0.values }
        #expect(all.count == 700)
        #expect(Set(all).count == 700)
        #expect(first.heard.withLock { $0.problems }.isEmpty && second.heard.withLock { $0.problems }.isEmpty)
    }

    @Test func groupGoesOnWhereItsLastMemberWasAndOverARestartOfTheBroker() throws {
        let broker = try LiveBroker([("group.initial.rebalance.delay.ms", "0")])
        try makeTopic(broker, 2)
        produce(broker, 0..<100)
        let first = Member(broker, options([.range]))
        wait("all is read") { first.heard.withLock { $0.values.count } == 100 }
        #expect(first.close())
        produce(broker, 100..<150)
        let second = Member(broker, options([.range]))
        wait("only what is new is read") { second.heard.withLock { $0.values.count } == 50 }
        second.commit(1)
        wait("what was read is committed") { second.heard.withLock { $0.committed } == [1] }
        broker.stopBroker()
        try broker.startBroker()
        produce(broker, 150..<200)
        wait("it goes on after the restart") { second.heard.withLock { $0.values.count } >= 100 }
        #expect(second.heard.withLock { Set($0.values) } == Set((100..<200).map(String.init)))
        second.vanish()
    }
}
