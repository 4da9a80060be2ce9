import Controller
import Primitives
import Testing
import Wire

/// Registrations, heartbeats, sessions and controlled shutdown, with a clock that moves when told.
@Suite struct HeartbeatTests {
    private var cluster = TestCluster(brokers: 3)
    private var sessions = BrokerSessions(timeoutMs: 1000, heartbeatMs: 400)
    private var now = Instant.zero

    init() { sessions.begin(cluster.controller.image, now: now) }

    private mutating func wait(_ ms: Int64) { now = now.adding(milliseconds: ms) }
    private func epoch(_ id: BrokerID) -> Int64 { cluster.controller.image.brokers[id]?.brokerEpoch ?? -1 }

    @discardableResult
    private mutating func beat(
        _ id: BrokerID, at offset: Offset? = nil, fence: Bool = false, stop: Bool = false, over connection: UInt64? = nil
    ) throws -> HeartbeatVerdict {
        let report = HeartbeatReport(
            brokerID: id, brokerEpoch: epoch(id), metadataOffset: offset ?? cluster.controller.image.appliedOffset, wantsFence: fence,
            wantsShutDown: stop)
        let next = cluster.controller.image.appliedOffset + 1
        let decision = try cluster.controller.decideHeartbeat(
            report, sessions: &sessions, connection: connection ?? UInt64(id.rawValue), at: next, now: now)
        cluster.controller.applyAll(decision.records)
        return decision.response
    }

    private mutating func expired() -> [BrokerID] { sessions.expired(cluster.controller.image, except: 1, now: now) }

    @Test mutating func aBrokerServesOnceItHasAppliedItsRegistration() throws {
        let next = cluster.controller.image.appliedOffset + 1
        cluster.controller.applyAll(
            cluster.controller.decideRegisterBroker(BrokerRegistration(id: 9, incarnationID: UUID(high: 8, low: 8)), at: next).records)
        #expect(try beat(9, at: .zero) == HeartbeatVerdict(isCaughtUp: false, isFenced: true, shouldShutDown: false))
        #expect(try beat(9, at: next, fence: true).isFenced, "it does not want to yet")
        #expect(try beat(9, at: next) == HeartbeatVerdict(isCaughtUp: true, isFenced: false, shouldShutDown: false))
        #expect(cluster.controller.image.brokers[BrokerID(9)]?.isActive == true)
        #expect(try beat(9, fence: true).isFenced && cluster.controller.image.brokers[BrokerID(9)]?.isFenced == true)
    }

    @Test mutating func anEpochNobodyKnowsIsStale() {
        for (id, epoch) in [(BrokerID(77), Int64(1)), (2, 12345)] {
            let report = HeartbeatReport(brokerID: id, brokerEpoch: epoch, metadataOffset: 0)
            #expect(throws: APIFailure(.staleBrokerEpoch)) {
                _ = try cluster.controller.decideHeartbeat(report, sessions: &sessions, connection: nil, at: 99, now: now)
            }
        }
    }

    @Test mutating func theSameLifeKeepsItsEpochAndState() {
        let known = cluster.controller.image.brokers[BrokerID(2)]!
        let next = cluster.controller.image.appliedOffset + 1
        let decision = cluster.controller.decideRegisterBroker(BrokerRegistration(id: 2, incarnationID: known.incarnationID), at: next)
        cluster.controller.applyAll(decision.records)
        #expect(decision.response == known.brokerEpoch && cluster.controller.image.brokers[BrokerID(2)]?.isFenced == false)
    }

    @Test mutating func aSilentBrokersSessionEnds() throws {
        for _ in 0..<3 {
            wait(400)
            try beat(2)
            #expect(expired().isEmpty == (now < Instant.zero.adding(milliseconds: 1000)))
        }
        #expect(expired() == [3], "the controller's own broker lives while it does")
        cluster.controller.applyAll(cluster.controller.decideFence(3).records)
        #expect(expired().isEmpty)
    }

    @Test mutating func aClosedConnectionEndsTheSessionUnlessTheBrokerIsBackAtOnce() throws {
        try beat(2, over: 20)
        try beat(3, over: 30)
        sessions.connectionClosed(30, now: now)
        sessions.connectionClosed(20, now: now)
        wait(50)
        try beat(2, over: 21)
        wait(50)
        #expect(sessions.nextDeadline(cluster.controller.image, except: 1) <= now)
        #expect(expired() == [3])
        #expect(!sessions.isLive(3, epoch(3), now: now) && sessions.isLive(2, epoch(2), now: now))
    }

    /// A connection that the broker has left behind says nothing of it.
    @Test mutating func anOldConnectionMayClose() throws {
        try beat(2, over: 20)
        try beat(2, over: 21)
        sessions.connectionClosed(20, now: now)
        wait(200)
        #expect(expired().isEmpty)
    }

    @Test mutating func aControllerThatSleptBlamesNobody() throws {
        try beat(2)
        try beat(3)
        wait(5000)
        #expect(expired().isEmpty)
        wait(400)
        try beat(2)
        #expect(expired().isEmpty)
        wait(400)
        #expect(expired().isEmpty)
        wait(300)
        #expect(expired() == [3])
    }

    @Test mutating func aNewControllerGivesFullSessionsAndKnowsNobody() {
        wait(100_000)
        sessions.begin(cluster.controller.image, now: now)
        #expect(expired().isEmpty)
        #expect(!sessions.isLive(2, epoch(2), now: now), "it was not heard of in this term: one that starts again is not refused")
        sessions.suspect(3, now: now)
        wait(100)
        #expect(expired() == [3])
    }

    @Test mutating func aBrokerStopsWhenAllOthersKnowThatItLeadsNothing() throws {
        cluster.create("t", replicas: [[2, 3]])
        for id in [BrokerID(1), 2, 3] { try beat(id) }
        let before = cluster.controller.image.appliedOffset
        #expect(try !beat(2, stop: true).shouldShutDown)
        #expect(cluster.controller.image.partition(TopicPartition("t", 0))?.leader == 3)
        #expect(cluster.controller.image.brokers[BrokerID(2)]?.isInControlledShutdown == true)
        try beat(1)
        try beat(3, at: before)
        #expect(try !beat(2, stop: true).shouldShutDown, "3 does not know yet that it leads")
        try beat(3)
        let verdict = try beat(2, stop: true)
        #expect(verdict.shouldShutDown && verdict.isFenced && cluster.controller.image.brokers[BrokerID(2)]?.isFenced == true)
    }

    @Test mutating func aBrokerThatLeadsNothingStopsAtOnce() throws {
        #expect(try beat(3, stop: true).shouldShutDown)
    }

    @Test mutating func anUnregisteredBrokerIsGone() throws {
        cluster.create("t", replicas: [[2, 3]])
        var request = UnregisterBrokerRequest()
        request.brokerID = 2
        cluster.controller.applyAll(cluster.controller.decideUnregisterBroker(request).records)
        #expect(cluster.controller.image.brokers[BrokerID(2)] == nil)
        #expect(cluster.controller.image.partition(TopicPartition("t", 0))?.leader == 3)
        let again = cluster.controller.decideUnregisterBroker(request)
        #expect(again.records.isEmpty && again.response.errorCode == .brokerIDNotRegistered)
        #expect(again.response.errorMessage == "Broker ID 2 is not currently registered")
    }
}
