import ClientCore
import Primitives
import Records
import Testing
import Wire

@testable import Simulator

/// Groups of KIP-848 over three brokers in virtual time: the real machines, coordinators that go, members that come, die and come back.
@Suite struct ConsumerProtocolStories {
    /// A member at work: what it was told, in order.
    private final class Member {
        let client: SimulatedClient
        var run: MachineRun<GroupConsumerMachine>!
        var outputs: [GroupConsumerOutput] = []
        var owned: [TopicPartition] { run.machine.ownedPartitions }
        var losses: Int { outputs.count { if case .lost = $0 { true } else { false } } }

        init(_ world: World, _ name: String, _ change: (inout GroupConsumerOptions) -> Void = { _ in }) {
            client = world.addClient(name)
            var options = GroupConsumerOptions(group: "g", topics: ["t"])
            (options.groupProtocol, options.offsetReset) = (.consumer, .earliest)
            (options.rebalanceTimeoutMs, options.autoCommitIntervalMs) = (10_000, 500)
            // Members make their ids themselves.
            options.seed = UInt64(client.host.rawValue)
            change(&options)
            run = client.host(GroupConsumerMachine(options, codecs: .uncompressed)) { [unowned self] output in
                outputs.append(output)
                if case .records(let delivery, _) = output { run.receive(.taken(delivery: delivery)) }
            }
            run.start()
        }
    }

    private func world(_ seed: UInt64) throws -> World {
        let settings = [
            ("group.consumer.min.session.timeout.ms", "1000"), ("group.consumer.session.timeout.ms", "5000"),
            ("group.consumer.min.heartbeat.interval.ms", "100"), ("group.consumer.heartbeat.interval.ms", "500"),
        ]
        let world = try World(seed: seed, brokers: 3, settings: settings)
        world.startAll()
        try world.settle()
        try world.makeTopic("t", partitions: 6)
        return world
    }

    private let all = (0..<6).map { TopicPartition("t", $0) }

    private func share(_ members: [Member]) -> Bool {
        members.flatMap(\.owned).sorted() == all && members.allSatisfy { !$0.owned.isEmpty && $0.run.machine.isStable }
    }

    private func coordinator(_ world: World) throws -> BrokerID {
        var find = FindCoordinatorRequest()
        (find.key, find.keyType, find.coordinatorKeys) = ("g", 0, ["g"])
        let answer: FindCoordinatorResponse = try world.ask(find, of: try #require(world.anyBroker))
        return BrokerID(answer.coordinators.first?.nodeID ?? answer.nodeID)
    }

    @Test(arguments: 0..<3) func membersComeAndDieAndTheCoordinatorWithThem(seed: Int) throws {
        let world = try world(UInt64(seed) + 70)
        var members = [Member(world, "first")]
        try world.run("one owns all") { _ in share(members) }
        members += [Member(world, "second"), Member(world, "third")]
        // In the middle of giving up and taking.
        world.run(milliseconds: 700)
        let gone = try coordinator(world)
        world.node(gone).kill()
        try world.run("three share with another coordinator", within: 20_000) { _ in share(members) }
        #expect(members.allSatisfy { $0.losses == 0 })
        world.node(gone).start()
        members[1].run.end()
        members.remove(at: 1)
        try world.run("two have what the dead one had", within: 20_000) { _ in share(members) }
        members[0].run.receive(.close)
        members.remove(at: 0)
        try world.run("the last has all", within: 5_000) { _ in share(members) }
        #expect(world.violations.isEmpty)
    }

    /// Cut off for longer than a session, it is out of the group without knowing; when it is told, it gives up everything before it takes.
    @Test func memberThatWasCutOffComesBackWithNothing() throws {
        let world = try world(80)
        let (stays, leaves) = (Member(world, "stays"), Member(world, "leaves"))
        try world.run("both share") { _ in share([stays, leaves]) }
        for broker in world.nodes.keys { world.network.separate(HostID(broker), leaves.client.host) }
        try world.run("the other takes over", within: 20_000) { _ in stays.owned == all }
        #expect(leaves.owned.count == 3 && leaves.losses == 0)
        world.network.healAll()
        try world.run("both share again", within: 20_000) { _ in share([stays, leaves]) }
        #expect(leaves.losses == 1)
    }

    @Test func staticMemberFindsWhatItHadAndNobodyNotices() throws {
        let world = try world(81)
        let other = Member(world, "other")
        let before = Member(world, "before") { $0.groupInstanceID = "i" }
        try world.run("both share") { _ in share([other, before]) }
        let (mine, heard) = (before.owned, other.outputs.count { if case .assigned = $0 { true } else { false } })
        before.run.receive(.close)
        try world.run("it is closed") { _ in before.run.isEnded }
        world.run(milliseconds: 1_000)
        let after = Member(world, "after") { $0.groupInstanceID = "i" }
        try world.run("it is back") { _ in after.owned == mine }
        #expect(other.outputs.count { if case .assigned = $0 { true } else { false } } == heard)
    }

    @Test func patternFindsTopicsThatAreMadeLater() throws {
        let world = try world(82)
        let member = Member(world, "member") { ($0.topics, $0.topicRegex) = ([], "t.*") }
        try world.run("it owns what is there") { _ in share([member]) }
        try world.makeTopic("t2", partitions: 2)
        try world.run("and what was made later", within: 20_000) { _ in member.owned.count == 8 }
        #expect(member.losses == 0)
    }

    @Test func twoOwnersAreSeen() throws {
        let world = try World(seed: 83, brokers: 1)
        let owners = Owners(world, isCertain: true)
        for name in ["a", "b"] { owners.began(name) { world.now } }
        owners.heard(.assigned([all[0], all[1]]), "a")
        owners.heard(.assigned([all[2]]), "b")
        owners.heard(.revoked([all[1]]), "a")
        owners.heard(.assigned([all[1]]), "b")
        #expect(world.violations.isEmpty)
        owners.heard(.assigned([all[0]]), "b")
        #expect(world.violations.map(\.rule) == ["one-owner"])
    }
}
