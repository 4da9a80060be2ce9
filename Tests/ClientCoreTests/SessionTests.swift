import ClientCore
import Primitives
import Testing
import Wire

/// Stories of a session: connecting, versions, routing, order, time-outs and retries.
@Suite struct SessionTests {
    private func failure(_ result: AnswerResult?) -> ClientError? {
        guard case .failure(let error)? = result else { return nil }
        return error
    }

    @Test func firstRequestConnectsAsksVersionsAndIsAnswered() throws {
        var story = SessionStory()
        let request = story.submit(MetadataRequest())
        #expect(story.opening.map(\.address) == [ServerAddress(host: "boot", port: 9092)])
        story.open()
        #expect(story.written.map(\.key) == [.apiVersions])
        #expect(story.written.first?.header.apiVersion == 3)
        story.answer(SessionStory.allVersions)
        #expect(story.written.map(\.key) == [.metadata])
        #expect(story.written.first?.header.apiVersion == APIKey.metadata.validVersions.upperBound)
        #expect(story.written.first?.header.clientID == "story")
        story.answer(SessionStory.metadata(brokers: 1))
        let answer = try #require(story.answers[request]).of(MetadataResponse.self)
        #expect(answer.brokers.count == 1)
    }

    /// KIP-511: a broker that does not know ApiVersions v3 answers with a body of version 0 and error 35.
    @Test func oldBrokerIsAskedForItsVersionsAgain() {
        var story = SessionStory()
        story.submit(MetadataRequest())
        story.open()
        let asked = story.written.removeFirst()
        let refusal = encodeUnsupportedAPIVersions(SessionStory.allVersions, correlationID: asked.header.correlationID)
        story.handle(.received(connection: asked.connection, refusal.content))
        #expect(story.written.map(\.header.apiVersion) == [0])
        story.answer(SessionStory.allVersions)
        #expect(story.written.map(\.key) == [.metadata])
    }

    @Test func versionIsTheNewestThatAllThreeKnow() {
        var versions = ServerVersions()
        versions.advertise(.fetch, 4...11)
        #expect(versions.best(.fetch, within: 0...Int16.max) == 11)
        #expect(versions.best(.fetch, within: 4...7) == 7)
        #expect(versions.best(.fetch, within: 12...13) == nil)
        #expect(versions.best(.produce, within: 0...Int16.max) == nil)
    }

    @Test func missingAPIIsToldAsUnsupported() {
        var story = SessionStory()
        let request = story.submit(DescribeQuorumRequest())
        story.open()
        var versions = SessionStory.allVersions
        versions.apiKeys.removeAll { $0.apiKey == APIKey.describeQuorum.rawValue }
        story.answer(versions)
        #expect(failure(story.answers[request]) == .unsupported(api: "DescribeQuorum"))
    }

    @Test func refusedEverywhereFailsAtOnceWithTheReason() {
        var story = SessionStory(["one:9092", "two:9092"])
        let request = story.submit(MetadataRequest())
        story.refuse()
        #expect(story.answers[request] == nil)
        story.refuse()
        guard case .unreachable(let reason)? = failure(story.answers[request]) else {
            Issue.record("still waiting")
            return
        }
        #expect(reason.hasSuffix(":9092: connection refused"))
    }

    @Test func requestWaitsForABackoffAndThenTriesAgain() {
        var story = SessionStory()
        story.submit(MetadataRequest())
        story.refuse()
        story.advance(1)
        let second = story.submit(MetadataRequest())
        #expect(story.opening.isEmpty)
        #expect(story.session.nextDeadline > story.now.instant)
        story.advance(1_000)
        #expect(story.opening.count == 1)
        story.connect()
        story.answer(SessionStory.metadata(brokers: 1))
        #expect((try? story.answers[second]?.get()) != nil)
    }

    @Test func noMoreThanTwoAdminRequestsAreUnderWay() {
        var story = SessionStory()
        for _ in 0..<5 { story.submit(ListGroupsRequest()) }
        story.connect()
        #expect(story.written.count == 2)
        story.answer(ListGroupsResponse())
        #expect(story.written.count == 2)
        for _ in 0..<4 { story.answer(ListGroupsResponse()) }
        #expect(story.answers.count == 5)
    }

    @Test func leaderIsFoundAndAsked() throws {
        var story = SessionStory()
        let request = story.submit(DeleteRecordsRequest(), to: .leader(TopicPartition("orders", 1)))
        story.connect()
        #expect(story.written.map(\.key) == [.metadata])
        story.answer(SessionStory.metadata(brokers: 3, topic: "orders", leaders: [1, 3]))
        #expect(story.opening.map(\.address.host) == ["b3"])
        story.connect()
        #expect(story.written.map(\.key) == [.deleteRecords])
        story.answer(DeleteRecordsResponse())
        #expect(try #require(story.answers[request]).get().broker == 3)
    }

    @Test func unknownPartitionOfAKnownTopicIsToldAtOnce() {
        var story = SessionStory()
        let request = story.submit(DeleteRecordsRequest(), to: .leader(TopicPartition("orders", 9)))
        story.connect()
        story.answer(SessionStory.metadata(brokers: 1, topic: "orders", leaders: [1]))
        #expect(failure(story.answers[request]) == .kafka(.unknownTopicOrPartition, message: "orders-9 does not exist"))
    }

    @Test func coordinatorThatMovedIsFoundAgain() throws {
        var story = SessionStory()
        let request = story.submit(deleteGroup("g"), to: .coordinator(group: "g"))
        story.connect()
        story.answer(coordinator("g", 2))
        #expect(story.opening.map(\.address.host) == ["b2"])
        story.connect()
        story.answer(deleted("g", .notCoordinator))
        #expect(story.answers[request] == nil)
        story.advance(100)
        #expect(story.written.map(\.key) == [.findCoordinator])
        story.answer(coordinator("g", 3))
        story.connect()
        story.answer(deleted("g", .none))
        #expect(try #require(story.answers[request]).get().broker == 3)
    }

    /// Found by the simulator: a member went on asking the broker that had coordinated its group. Its heartbeat is the member's to send
    /// again.
    @Test func heartbeatIsNotSentOnButItsCoordinatorIsForgotten() throws {
        var story = SessionStory()
        let first = story.submit(ConsumerGroupHeartbeatRequest(), to: .coordinator(group: "g"))
        story.connect()
        story.answer(coordinator("g", 2))
        story.connect()
        var refused = ConsumerGroupHeartbeatResponse()
        refused.errorCode = .notCoordinator
        story.answer(refused)
        #expect(try #require(story.answers[first]).get().broker == 2)
        let second = story.submit(ConsumerGroupHeartbeatRequest(), to: .coordinator(group: "g"))
        #expect(story.written.map(\.key) == [.findCoordinator] && story.answers[second] == nil)
        story.answer(coordinator("g", 3))
        story.connect()
        story.answer(ConsumerGroupHeartbeatResponse())
        #expect(try #require(story.answers[second]).get().broker == 3)
    }

    @Test func coordinatorInTheMakingIsWaitedFor() {
        var story = SessionStory()
        let request = story.submit(deleteGroup("g"), to: .coordinator(group: "g"))
        story.connect()
        var answer = coordinator("g", -1)
        answer.coordinators[0].errorCode = .coordinatorNotAvailable
        story.answer(answer)
        #expect(story.answers[request] == nil)
        story.advance(100)
        #expect(story.written.map(\.key) == [.findCoordinator])
    }

    @Test func brokenConnectionRepeatsWhatMayBeRepeated() {
        var story = SessionStory()
        let safe = story.submit(ListGroupsRequest())
        let unsafe = story.submit(CreateTopicsRequest(), repeatable: false)
        story.connect()
        let connection = story.written[0].connection
        story.handle(.failed(connection: connection, "reset"))
        #expect(failure(story.answers[unsafe]) == .disconnected("reset"))
        #expect(story.answers[safe] == nil)
        story.advance(200)
        story.connect()
        story.answer(ListGroupsResponse())
        #expect((try? story.answers[safe]?.get()) != nil)
    }

    @Test func unansweredRequestTimesOutAndTakesTheConnectionWithIt() {
        var story = SessionStory()
        let request = story.submit(ListGroupsRequest(), timeoutMs: 3_000)
        story.connect()
        let connection = story.written[0].connection
        story.advance(2_999)
        #expect(story.answers[request] == nil)
        story.advance(1)
        #expect(failure(story.answers[request]) == .timedOut("ListGroups"))
        #expect(story.closed == [connection])
    }

    @Test func connectionThatNeverOpensIsGivenUp() {
        var story = SessionStory()
        let request = story.submit(ListGroupsRequest(), timeoutMs: 60_000)
        story.advance(5_000)
        guard case .unreachable(let reason)? = failure(story.answers[request]) else {
            Issue.record("still waiting")
            return
        }
        #expect(reason == "boot:9092: no connection in time")
    }

    @Test func answerOutOfOrderBreaksTheConnection() {
        var story = SessionStory()
        story.submit(ListGroupsRequest())
        story.connect()
        let request = story.written[0]
        let wrong = encodeResponse(ListGroupsResponse(), version: request.header.apiVersion, correlationID: 999)
        story.handle(.received(connection: request.connection, wrong.content))
        #expect(story.closed == [request.connection])
    }

    @Test func answerThatIsNoneIsMalformedAndTheConnectionGoesOn() {
        var story = SessionStory()
        let request = story.submit(ListGroupsRequest())
        story.connect()
        let sent = story.written.removeFirst()
        var bytes = ByteWriter()
        bytes.integer(sent.header.correlationID)
        bytes.integer(UInt8(0xff))
        story.handle(.received(connection: sent.connection, bytes.finish()))
        #expect(failure(story.answers[request]) == .malformed(api: "ListGroups"))
        let next = story.submit(ListGroupsRequest())
        story.answer(ListGroupsResponse())
        #expect((try? story.answers[next]?.get()) != nil)
    }

    @Test func brokerThatMovedIsReconnectedAtItsNewAddress() {
        var story = SessionStory()
        story.submit(MetadataRequest())
        story.connect()
        story.answer(SessionStory.metadata(brokers: 2))
        story.submit(ListGroupsRequest(), to: .broker(2))
        story.connect()
        story.answer(ListGroupsResponse())
        var moved = SessionStory.metadata(brokers: 2)
        moved.brokers[1].host = "elsewhere"
        story.submit(MetadataRequest())
        story.answer(moved)
        #expect(story.closed.count == 1)
        story.submit(ListGroupsRequest(), to: .broker(2))
        #expect(story.opening.map(\.address.host) == ["elsewhere"])
    }

    @Test func unknownBrokerIsAskedForOnceAndThenToldAsUnknown() {
        var story = SessionStory()
        let request = story.submit(ListGroupsRequest(), to: .broker(7))
        story.connect()
        story.answer(SessionStory.metadata(brokers: 2))
        #expect(failure(story.answers[request]) == .unknownBroker(7))
    }

    @Test func requestsAreBounded() {
        var story = SessionStory()
        var last = 0
        for _ in 0...512 { last = story.submit(ListGroupsRequest()) }
        #expect(failure(story.answers[last]) == .overloaded)
    }

    @Test func cancelledRequestIsNeverAnswered() {
        var story = SessionStory()
        let request = story.submit(ListGroupsRequest())
        story.connect()
        story.handle(.cancelled(request: request))
        story.answer(ListGroupsResponse())
        #expect(story.answers[request] == nil)
    }

    // MARK: Failovers

    /// The coordinator died: its connection breaks, and then nobody answers at its address.
    @Test func deadCoordinatorIsAskedForUntilAnotherTakesOver() throws {
        var story = SessionStory()
        let request = story.submit(deleteGroup("g"), to: .coordinator(group: "g"))
        story.connect()
        story.answer(coordinator("g", 2))
        story.connect()
        story.handle(.failed(connection: story.written.removeFirst().connection, "reset"))
        #expect(story.written.map(\.key) == [.findCoordinator])
        story.answer(coordinator("g", 2))
        story.advance(100)
        story.refuse()
        for _ in 0..<5 where story.written.isEmpty { story.advance(400) }
        #expect(story.written.map(\.key) == [.findCoordinator])
        #expect(story.answers[request] == nil)
        story.answer(coordinator("g", 3))
        story.opening.removeAll { $0.address.host != "b3" }
        story.connect()
        story.answer(deleted("g", .none))
        #expect(try #require(story.answers[request]).get().broker == 3)
    }

    /// A broker that sleeps says nothing: the others are asked, and when they no longer list it, what waits for it goes elsewhere.
    @Test func sleepingBrokerIsLeftWhenTheClusterGivesItUp() {
        var story = SessionStory()
        let request = story.submit(ListGroupsRequest(), to: .broker(2), repeatable: false)
        story.connect()
        story.answer(SessionStory.metadata(brokers: 3))
        story.connect()
        #expect(story.written.map(\.key) == [.listGroups])
        let stuck = story.written.removeFirst()
        story.advance(999)
        #expect(story.written.isEmpty)
        story.advance(1)
        #expect(story.written.map(\.key) == [.metadata])
        var without = SessionStory.metadata(brokers: 3)
        without.brokers.removeAll { $0.nodeID == 2 }
        story.answer(without)
        #expect(story.closed == [stuck.connection])
        #expect(failure(story.answers[request]) == .disconnected("the broker left the cluster"))
    }

    @Test func brokerThatOwesAnswersIsNotAskedWhatAnyCanTell() {
        var story = SessionStory()
        story.submit(MetadataRequest())
        story.connect()
        story.answer(SessionStory.metadata(brokers: 2))
        story.submit(ListGroupsRequest())
        let silent = story.written[0].connection
        story.advance(1_500)
        story.submit(ListGroupsRequest())
        #expect(!story.opening.isEmpty)
        while !story.opening.isEmpty {
            story.open()
            story.written.removeAll { $0.key == .apiVersions && $0.connection == silent }
        }
        #expect(story.written.count { $0.connection == silent && $0.key == .listGroups } == 1)
    }

    // MARK: Messages

    private func deleteGroup(_ id: String) -> DeleteGroupsRequest {
        var request = DeleteGroupsRequest()
        request.groupsNames = [id]
        return request
    }

    private func deleted(_ id: String, _ code: ErrorCode) -> DeleteGroupsResponse {
        var response = DeleteGroupsResponse()
        var result = DeleteGroupsResponse.Result()
        (result.groupID, result.errorCode) = (id, code)
        response.results = [result]
        return response
    }

    private func coordinator(_ group: String, _ node: Int32) -> FindCoordinatorResponse {
        var response = FindCoordinatorResponse()
        var found = FindCoordinatorResponse.Coordinator()
        (found.key, found.nodeID, found.host, found.port) = (group, node, "b\(node)", 9092)
        response.coordinators = [found]
        return response
    }
}
