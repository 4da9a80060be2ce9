import Controller
import Primitives
import Testing
import Wire

@testable import Broker

/// What a broker remembers of who is connected to it.
@Suite struct ClientNotesTests {
    private func introduce(_ story: BrokerStory, _ name: String, _ version: String, on connection: UInt64) throws -> ErrorCode? {
        var request = ApiVersionsRequest()
        (request.clientSoftwareName, request.clientSoftwareVersion) = (name, version)
        return try story.ask(request, version: 3, on: connection)?.errorCode
    }

    private func note(_ story: BrokerStory, _ connection: UInt64) -> ClientNotes.Note {
        story.broker.account(of: ConnectionID(rawValue: connection)).note
    }

    private func heartbeat(_ story: BrokerStory, _ group: String, on connection: UInt64) throws {
        var request = HeartbeatRequest()
        (request.groupID, request.memberID) = (group, "nobody")
        try story.send(request, version: 4, on: connection)
    }

    @Test func softwareIsWhatTheClientSaidAndNothingElse() throws {
        let story = try BrokerStory()
        #expect(try introduce(story, "librdkafka", "2.12.1", on: 7) == ErrorCode.none)
        #expect(note(story, 7).softwareName == "librdkafka" && note(story, 7).softwareVersion == "2.12.1")
        #expect(try introduce(story, "evil\u{1B}[2J", "1", on: 8) == .invalidRequest)
        #expect(note(story, 8) == ClientNotes.Note(), "what Kafka refuses is not written down")
        _ = try story.metadata(nil)
        #expect(note(story, 1) == ClientNotes.Note() && story.broker.notedClients == 1)
    }

    @Test func groupsAndProducersAreThoseThatWereNamed() throws {
        let story = try BrokerStory()
        for _ in 0..<3 { try heartbeat(story, "billing", on: 3) }
        try heartbeat(story, "audit", on: 3)
        #expect(note(story, 3).groups == ["billing", "audit"])
        let plain = try #require(try story.ask(InitProducerIDRequest(), version: 3, on: 4))
        #expect(plain.errorCode == .none && note(story, 4).producerIDs == [plain.producerID])
        var named = InitProducerIDRequest()
        (named.transactionalID, named.transactionTimeoutMs) = ("pay", 10_000)
        try story.send(named, version: 3, on: 5)
        #expect(note(story, 5).transactionalIDs == ["pay"])
    }

    @Test func whatOneConnectionSaysIsBoundedAndGoesWithIt() throws {
        let story = try BrokerStory()
        for index in 0..<50 { try heartbeat(story, "g-\(index)", on: 3) }
        #expect(note(story, 3).groups == (34..<50).map { "g-\($0)" })
        story.handle(.connectionClosed(ConnectionID(rawValue: 3)))
        #expect(note(story, 3) == ClientNotes.Note() && story.broker.notedClients == 0)
    }

    @Test func aNodeIsToldByHowNodesCallThemselves() throws {
        let story = try BrokerStory()
        #expect(story.broker.isNode(listener: "PLAINTEXT", clientID: "broker-1"))
        #expect(!story.broker.isNode(listener: "PLAINTEXT", clientID: "broker-9"), "no such broker")
        #expect(!story.broker.isNode(listener: "PLAINTEXT", clientID: "broker-x"))
    }
}
