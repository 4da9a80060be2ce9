import ClientCore
import Primitives
import Records
import Testing
import Wire

@testable import Simulator

/// How long clients stand still when a broker goes, and what they are told: the real machines over three brokers, in virtual time.
@Suite struct ClientStories {
    enum Fault: CaseIterable { case kill, pause, cutOff }

    private func world(_ seed: UInt64) throws -> World {
        let world = try World(seed: seed, brokers: 3)
        world.startAll()
        try world.settle()
        try world.makeTopic("t", partitions: 2)
        return world
    }

    private func strike(_ world: World, _ broker: BrokerID, _ fault: Fault, _ clients: [SimulatedClient]) {
        switch fault {
        case .kill: world.node(broker).kill()
        case .pause: world.node(broker).pause()
        case .cutOff:
            for other in world.nodes.keys where other != broker { world.network.separate(HostID(broker), HostID(other)) }
            for client in clients { world.network.separate(HostID(broker), client.host) }
        }
    }

    private func mend(_ world: World, _ broker: BrokerID, _ fault: Fault) {
        switch fault {
        case .kill: world.node(broker).start()
        case .pause: world.node(broker).resume()
        case .cutOff: world.network.healAll()
        }
    }

    /// A killed leader resets its connections; one that sleeps or is cut off says nothing, and is left when the others fence it: the
    /// session's second, then a second of doubt.
    @Test(arguments: Fault.allCases, 0..<3) func producerGoesOnWhenItsLeaderGoes(fault: Fault, seed: Int) throws {
        let world = try world(UInt64(seed) + 40)
        let client = world.addClient("producer")
        var delivered: [Int: Offset] = [:]
        var failures: [String] = []
        let producer = client.host(ProducerMachine(ProducerOptions(), codecs: .uncompressed)) { output in
            switch output {
            case .delivered(let number, _, let offset): delivered[number] = offset
            case .failed(_, let error): failures.append(error.description)
            case .transactionDone, .transactionFailed, .written, .lost, .topic: break
            }
        }
        producer.start()
        var sent = 0
        func send(_ count: Int) {
            for _ in 0..<count {
                producer.receive(.send(number: sent, ProducerRecord(topic: "t", partition: 0, key: nil, value: Bytes("\(sent)"))))
                sent += 1
                world.run(milliseconds: 10)
            }
        }
        send(50)
        try world.run("the first are delivered") { _ in delivered.count == 50 }
        let leader = try #require(try world.leader("t"))
        send(1)
        strike(world, leader, fault, [client])
        let struck = world.milliseconds
        send(20)
        try world.run("they are delivered by another leader", within: 10_000) { _ in delivered.count == sent }
        #expect(world.milliseconds - struck < (fault == .kill ? 1_000 : 4_500))
        mend(world, leader, fault)
        send(20)
        try world.run("and the rest", within: 10_000) { _ in delivered.count == sent }
        try world.settle()
        #expect(failures == [])
        #expect(try world.read("t") == (0..<sent).map(String.init))
        #expect((0..<sent).allSatisfy { delivered[$0] == Offset(Int64($0)) })
    }

    /// The coordinator goes: the group stays as it is, in its generation, reads on and commits at the next one.
    @Test(arguments: Fault.allCases) func groupOutlivesItsCoordinator(fault: Fault) throws {
        let world = try world(50)
        var generations: [Int32] = []
        var losses = 0
        var read = 0
        var members: [MachineRun<GroupConsumerMachine>] = []
        var clients: [SimulatedClient] = []
        for number in 0..<2 {
            var options = GroupConsumerOptions(group: "g", topics: ["t"])
            options.offsetReset = .earliest
            options.heartbeatIntervalMs = 500
            options.sessionTimeoutMs = 15_000
            options.rebalanceTimeoutMs = 10_000
            options.autoCommitIntervalMs = 500
            let client = world.addClient("member\(number)")
            clients.append(client)
            let member = client.host(GroupConsumerMachine(options, codecs: .uncompressed)) { output in
                switch output {
                case .joined(let membership): generations.append(membership.generationID)
                case .lost, .failed: losses += 1
                case .records(let delivery, let records):
                    read += records.count
                    members[number].receive(.taken(delivery: delivery))
                default: break
                }
            }
            members.append(member)
            member.start()
        }
        try world.run("both share the topic") { _ in members.allSatisfy { $0.machine.isStable && $0.machine.ownedPartitions.count == 1 } }
        let writer = world.addClient("producer")
        clients.append(writer)
        let producer = writer.host(ProducerMachine(ProducerOptions(), codecs: .uncompressed)) { _ in }
        producer.start()
        for (number, partition) in [Int32(0), 0, 1].enumerated() {
            producer.receive(.send(number: number, ProducerRecord(topic: "t", partition: partition, key: nil, value: Bytes("\(number)"))))
        }
        try world.run("all is read") { _ in read == 3 }
        let before = generations
        var find = FindCoordinatorRequest()
        find.coordinatorKeys = ["g"]
        let coordinator = BrokerID(try world.ask(find, of: 1).coordinators[0].nodeID)
        strike(world, coordinator, fault, clients)
        world.run(milliseconds: 6_000)
        for number in 3...4 {
            producer.receive(.send(number: number, ProducerRecord(topic: "t", partition: 0, key: nil, value: Bytes("\(number)"))))
        }
        try world.run("they read on", within: 10_000) { _ in read == 5 }
        mend(world, coordinator, fault)
        world.run(milliseconds: 3_000)
        #expect(losses == 0)
        #expect(generations == before)
        #expect(members.allSatisfy { $0.machine.isStable && $0.machine.ownedPartitions.count == 1 })
        var offsets = OffsetFetchRequest()
        offsets.groupID = "g"
        var topic = OffsetFetchRequest.Topic()
        (topic.name, topic.partitionIndexes) = ("t", [0, 1])
        offsets.topics = [topic]
        let now = BrokerID(try world.ask(find, of: 1).coordinators[0].nodeID)
        let told = try world.ask(offsets, of: now, version: 7)
        #expect(told.topics.flatMap { $0.partitions.map(\.committedOffset) } == [4, 1])
    }
}
