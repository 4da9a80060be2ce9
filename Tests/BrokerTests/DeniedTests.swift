import Controller
import Foundation
import Primitives
import RecordedKafka
import Replication
import Storage
import Testing
import Wire

@testable import Broker

/// Every API that clients are offered, asked by somebody who may do nothing: each gets Kafka's error in Kafka's place, and nothing changes.
@Suite struct DeniedTests {
    /// The lines of Tests/Fixtures/access/denied.txt.
    static let table: [String] = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/access/denied.txt")
        let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }()

    /// Those that everybody may ask, or whose row is a test of its own.
    static let open: Set<APIKey> = [.apiVersions, .saslHandshake, .saslAuthenticate]

    static func row(_ line: String) throws -> RecordedBehaviour {
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        let parts = words[2].components(separatedBy: " => ")
        return try RecordedBehaviour(api: words[0], version: Int16(words[1]) ?? -1, body: parts[0], observed: parts[1])
    }

    static let authorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"

    static func story() throws -> BrokerStory {
        let story = try BrokerStory([("authorizer.class.name", authorizer), ("super.users", "User:admin")])
        story.principal = Principal(name: "admin")
        try story.makeTopic("secret")
        let produced = try #require(try story.produce("secret", ["one"]))
        #expect(produced.errorCode == .none)
        story.principal = Principal(name: "eve")
        return story
    }

    @Test func everyAPIThatIsOfferedHasARow() {
        let asked = Set(DeniedTests.table.compactMap { $0.split(separator: " ").first.map(String.init) })
        let missing = RouteTable.routes.filter {
            $0.key.advertisedVersions != nil && $0.scope != .nodes && !DeniedTests.open.contains($0.key) && !asked.contains($0.key.name)
        }
        #expect(missing.map(\.key.name).isEmpty, "write down what an unauthorised request of these gets: \(missing.map(\.key.name))")
    }

    @Test(arguments: DeniedTests.table) func denied(_ line: String) throws {
        let row = try DeniedTests.row(line)
        let story = try DeniedTests.story()
        let before = story.broker.image
        let key = try #require(APIKey.allCases.first { $0.name == row.api })
        try ask(story, key.requestType, row)
        #expect(story.broker.image == before, "nothing has changed")
        #expect(story.broker.replicas.find("secret", 0)?.log.logEndOffset == 1)
        #expect(story.broker.replicas.find("secret", 0)?.log.logStartOffset == 0)
    }

    private func ask<R: WireRequest>(_ story: BrokerStory, _: R.Type, _ row: RecordedBehaviour) throws {
        let answer = try #require(try story.ask(try row.request(R.self), version: row.version))
        #expect(differences(answer, row) == [])
    }

    @Test func produceIsRefused() throws {
        let story = try DeniedTests.story()
        for topic in ["secret", "nothing"] {
            let answer = try story.produce(topic, ["two"])
            #expect(answer?.errorCode == .topicAuthorizationFailed)
            #expect(answer?.baseOffset == -1)
        }
        #expect(story.broker.replicas.find("secret", 0)?.log.logEndOffset == 1)
        _ = try story.produce("secret", ["two"], acks: 0, on: 9)
        #expect(story.isClosed(9), "who asks for no answer is told by a closed connection")
    }

    /// What nodes ask each other needs CLUSTER_ACTION, on whichever listener.
    @Test func nodesAreNotTakenAtTheirWord() throws {
        let story = try BrokerStory([
            ("authorizer.class.name", DeniedTests.authorizer), ("super.users", "User:node"), ("controller.listener.names", "CONTROLLER"),
            ("listeners", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
        ])
        story.listener = "CONTROLLER"
        let before = story.broker.image
        #expect(try story.ask(BrokerRegistrationRequest(), version: 4)?.errorCode == .clusterAuthorizationFailed)
        #expect(try story.ask(BrokerHeartbeatRequest(), version: 1)?.errorCode == .clusterAuthorizationFailed)
        #expect(try story.ask(AlterPartitionRequest(), version: 3)?.errorCode == .clusterAuthorizationFailed)
        #expect(try story.ask(AllocateProducerIDsRequest(), version: 0)?.errorCode == .clusterAuthorizationFailed)
        #expect(try story.ask(VoteRequest(), version: 1)?.errorCode == .clusterAuthorizationFailed)
        #expect(try story.ask(BeginQuorumEpochRequest(), version: 1)?.errorCode == .clusterAuthorizationFailed)
        #expect(try story.ask(EndQuorumEpochRequest(), version: 1)?.errorCode == .clusterAuthorizationFailed)
        #expect(try story.ask(FetchSnapshotRequest(), version: 1)?.errorCode == .clusterAuthorizationFailed)
        #expect(try story.ask(EnvelopeRequest(), version: 0)?.errorCode == .clusterAuthorizationFailed)
        #expect(story.broker.image == before)
        story.principal = Principal(name: "node")
        #expect(try story.ask(BrokerHeartbeatRequest(), version: 1)?.errorCode != .clusterAuthorizationFailed)
    }
}
