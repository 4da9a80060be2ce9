import ClientCore
import Console
import DevCluster
import Glibc
import History
import Observatory
import Primitives
import Reactor
import Records
import Testing
import Wire

@testable import Client
@testable import Commands

/// The walks through docs/STORIES.md, each on a cluster of its own: what was prepared for it, and what happens meanwhile.
@Suite(.serialized) struct OperatorStories {
    typealias Meanwhile = [String: () throws -> Void]

    private static let scripts: [StoryScript] = {
        let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
        guard case .success(let text) = SessionFiles.read(root + "/docs/STORIES.md") else { return [] }
        return StoryScript.parse(text)
    }()

    private func tell(
        _ title: String, in world: StoryWorld, onTurn: @escaping () -> Void = {}, _ meanwhile: Meanwhile = [:]
    ) throws {
        let script = try #require(OperatorStories.scripts.first { $0.title == title }, "docs/STORIES.md has no such story: \(title)")
        #expect(script.steps.count > 5)
        let console = try StoryConsole(world.cluster, in: world.directory, contexts: world.contexts, events: world.events)
        console.onTurn = onTurn
        defer { console.close() }
        try script.run(console) { what in
            let happening = try #require(meanwhile[what], "nobody knows how: \(what)")
            try happening()
        }
    }

    private func numbered(_ word: String, _ count: Int) -> [String] { (0..<count).map { "\(word) \($0)" } }

    @Test func everyStoryIsToldHere() {
        let told = [
            "Find why a group lags", "Roll a broker safely", "Move a topic off a full disk", "Move a topic in batches",
            "Undo a bad offset reset",
            "Redrive dead letters", "Find a hanging transaction and abort it",
            "Find the under-replicated topic and why, and put its leaders back", "Let a consumer in",
            "Find the hot partition and move its leader", "See what changed since yesterday", "Copy a topic to another cluster",
            "Tail two topics as one, and send one record again",
        ]
        #expect(OperatorStories.scripts.map(\.title) == told)
    }

    @Test func findWhyAGroupLags() throws {
        let world = try StoryWorld()
        defer { world.close() }
        try world.makeTopic("orders", partitions: 3)
        for partition in Int32(0)...2 { world.write("orders", partition: partition, numbered("order", 100)) }
        try world.commit("billing", "orders", [20, 20, 20])
        try tell(
            "Find why a group lags", in: world,
            ["the consumer of billing is started again": { world.startMember("billing", "orders") }])
    }

    @Test func rollABroker() throws {
        // The restart may be over before the next question: who asks now and then does not see it.
        let world = try StoryWorld(tellsEvents: true)
        defer { world.close() }
        try world.makeTopic("orders", on: [[1, 2, 3], [2, 3, 1], [3, 1, 2]])
        try tell("Roll a broker safely", in: world)
        #expect(try world.partition("orders", 1).leaderID == 2)
    }

    @Test func moveATopicOffAFullDisk() throws {
        let world = try StoryWorld()
        defer { world.close() }
        try world.makeTopic("archive", on: [[3, 1], [3, 1]], configs: [("min.insync.replicas", "1")])
        world.write("archive", partition: 0, numbered("old", 50))
        try world.cluster.perform(.fullDisk, on: 3)
        try tell("Move a topic off a full disk", in: world)
        #expect(try world.partition("archive").replicaNodes.sorted() == [1, 2])
        world.write("archive", partition: 0, ["new"])
    }

    /// More than one answer brings at the rate of the throttle, so that there is something to pause.
    @Test func moveInBatches() throws {
        let world = try StoryWorld()
        defer { world.close() }
        try world.makeTopic("archive", on: [[1, 2], [1, 2], [1, 2]])
        let old = String(repeating: "old ", count: 25_000)
        for partition in Int32(0)...2 { world.write("archive", partition: partition, Array(repeating: old, count: 30)) }
        func moved() throws -> Int {
            try (Int32(0)...2).count { try world.partition("archive", $0).replicaNodes.sorted() == [2, 3] }
        }
        try tell(
            "Move a topic in batches", in: world,
            [
                "not all of archive has moved": {
                    let count = try moved()
                    #expect(count < 3)
                },
                "all of archive has moved": {
                    let count = try moved()
                    #expect(count == 3)
                },
            ])
        let audit = try SessionFiles.read(world.directory + "/audit.jsonl").get()
        #expect(audit.split(separator: "\n").count { $0.contains("\"verdict\":\"begun\"") } == 1)
        #expect(audit.contains("\"ends\":"))
    }

    @Test func undoABadReset() throws {
        let world = try StoryWorld()
        defer { world.close() }
        try world.makeTopic("orders", partitions: 3)
        for partition in Int32(0)...2 { world.write("orders", partition: partition, numbered("order", 100)) }
        try world.commit("billing", "orders", [20, 20, 20])
        try tell("Undo a bad offset reset", in: world)
    }

    @Test func redriveDeadLetters() throws {
        let world = try StoryWorld()
        defer { world.close() }
        try world.makeTopic("orders")
        try world.makeTopic("orders.dlq")
        let headers = [("topic", "orders"), ("partition", "0"), ("offset", "42"), ("exception.message", "no schema")]
        world.write(
            "orders.dlq", numbered("letter", 5), key: { "k\($0)" },
            headers: headers.map { RecordHeader("__connect.errors.\($0.0)", Bytes($0.1)) })
        try tell("Redrive dead letters", in: world)
        #expect(try ends("orders", world) == 5)
    }

    /// The partition's end.
    private func ends(_ topic: String, _ world: StoryWorld, _ client: ClusterClient? = nil) throws -> Int64? {
        var partition = ListOffsetsRequest.Partition()
        partition.timestamp = -1
        var row = ListOffsetsRequest.Topic()
        (row.name, row.partitions) = (topic, [partition])
        var request = ListOffsetsRequest()
        request.topics = [row]
        return try (client ?? world.client).send(request, to: .leader(TopicPartition(topic, 0))).topics.first?.partitions.first?.offset
    }

    @Test func endAHangingTransaction() throws {
        let world = try StoryWorld([("transaction.partition.verification.enable", "false")])
        defer { world.close() }
        try world.makeTopic("ledger")
        world.write("ledger", numbered("paid", 3))
        try world.leaveTransactionHanging("transfer-1", "ledger")
        try tell("Find a hanging transaction and abort it", in: world)
    }

    @Test func underReplicatedAndPreferred() throws {
        let world = try StoryWorld()
        defer { world.close() }
        try world.makeTopic("orders", on: [[1, 2, 3], [2, 3, 1], [3, 1, 2]])
        try tell(
            "Find the under-replicated topic and why, and put its leaders back", in: world,
            [
                "broker 2 dies": { try world.cluster.perform(.kill, on: 2) },
                "broker 2 is started again": { try world.cluster.perform(.restart, on: 2) },
                "broker 2 leads orders-1 again": {
                    let leader = try world.partition("orders", 1).leaderID
                    #expect(leader == 2)
                },
            ])
    }

    @Test func letAConsumerIn() throws {
        let world = try StoryWorld(
            isSecure: true, [("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")])
        defer { world.close() }
        try world.makeTopic("orders")
        let app = try client(of: "app", world)
        defer { app.stop() }
        func error() throws -> ErrorCode? {
            var wanted = MetadataRequest.Topic()
            wanted.name = "orders"
            var request = MetadataRequest()
            request.topics = [wanted]
            return try app.send(request).topics.first?.errorCode
        }
        try tell(
            "Let a consumer in", in: world,
            [
                "app may not read orders": {
                    let found = try error()
                    #expect(found == .topicAuthorizationFailed)
                },
                "app may read orders": {
                    let found = try error()
                    #expect(found == ErrorCode.none)
                },
            ])
    }

    private func client(of user: String, _ world: StoryWorld) throws -> ClusterClient {
        let folder = world.cluster.directory + "/security"
        guard case .success(let text) = SessionFiles.read(folder + "/users.properties") else { throw DevClusterError("no users") }
        let password = text.split(separator: "\n").first { $0.hasPrefix(user + "=") }.map { String($0.dropFirst(user.count + 1)) }
        let keys = [
            "security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": user, "sasl.password": password ?? "",
            "ssl.ca.location": folder + "/ca.pem",
        ]
        return ClusterClient(bootstrap: world.cluster.bootstrap, clientID: user, security: try ClientSecurity { keys[$0] })
    }

    @Test func aHotPartition() throws {
        let world = try StoryWorld()
        defer { world.close() }
        try world.makeTopic("clicks", on: [[1, 2, 3], [2, 3, 1], [3, 1, 2]])
        // A key that is most of the traffic.
        try tell("Find the hot partition and move its leader", in: world, onTurn: { world.post("clicks", partition: 1, ["click"]) })
        #expect(try world.partition("clicks", 1).leaderID != 2)
    }

    @Test func whatChangedSinceYesterday() throws {
        let world = try StoryWorld()
        defer { world.close() }
        try world.makeTopic("orders")
        world.write("orders", numbered("order", 10))
        try rememberYesterday(world)
        try world.makeTopic("refunds")
        try tell("See what changed since yesterday", in: world)
    }

    /// A console looks at the cluster and goes, and what it kept becomes a day old.
    private func rememberYesterday(_ world: StoryWorld) throws {
        let path = world.directory + "/history.db"
        let now = SystemClock.wall()
        let console = try StoryConsole(world.cluster, in: world.directory)
        console.press("3")
        #expect(console.until { console.text.contains("orders") })
        let id = try #require(console.session.console.snapshot.clusterID)
        console.close()
        let store = try HistoryStore(path: path, now: now)
        let frame = try #require(try store.frame(of: id, before: Timestamp(milliseconds: SystemClock.wall().milliseconds + 1)))
        try store.save(frame.body, of: id, at: Timestamp(milliseconds: now.milliseconds - 25 * 3_600_000))
    }

    @Test func copyToAnotherCluster() throws {
        let world = try StoryWorld()
        defer { world.close() }
        let staging = try world.otherCluster("staging")
        defer { staging.stop() }
        try world.makeTopic("orders")
        try StoryWorld.makeTopic("orders", staging, 1)
        world.write("orders", numbered("paid", 10))
        try tell("Copy a topic to another cluster", in: world)
        #expect(try ends("orders", world, staging) == 10)
        #expect(try ends("orders", world) == 10)
    }

    @Test func tailTwoAndSendOneAgain() throws {
        let world = try StoryWorld()
        defer { world.close() }
        try world.makeTopic("orders")
        try world.makeTopic("payments")
        world.write("orders", (0..<3).map { "{\"what\":\"order \($0)\",\"amount\":\($0)}" })
        world.write("payments", (0..<4).map { "{\"what\":\"payment \($0)\",\"amount\":\($0 * 50)}" })
        try tell("Tail two topics as one, and send one record again", in: world)
        #expect(try ends("payments", world) == 5)
    }
}
