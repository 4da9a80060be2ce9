import Broker
import Primitives
import Reactor
import Synchronization
import Testing
import Wire

@testable import BrokerServer

@Suite struct RequestChannelTests {
    private func request(_ number: UInt64) -> RequestContext {
        RequestContext(
            connection: ConnectionID(rawValue: number), header: RequestHeader(.apiVersions, version: 0, correlationID: 0), body: .empty,
            clientHost: "", listener: "", receivedAt: SystemClock.now())
    }

    private func name(_ event: BrokerEvent) -> String {
        switch event {
        case .requestReceived(let request): "request \(request.connection.rawValue)"
        case .connectionClosed(let connection): "closed \(connection.rawValue)"
        default: "other"
        }
    }

    @Test func itHoldsItsCapacityAndCallsWhenThereIsRoom() {
        let loop = EventLoop()
        let seen = Mutex<[String]>([])
        let room = Atomic<Int>(0)
        let channel = RequestChannel(capacity: 2, loop: loop) { events in seen.withLock { $0 += events.map(name) } }
        #expect(channel.offer(request(1)) {})
        #expect(channel.offer(request(2)) {})
        #expect(!channel.offer(request(3)) { room.add(1, ordering: .relaxed) })
        channel.closed(ConnectionID(rawValue: 1))
        // The loop has not run: nothing is lost, nothing is delivered.
        #expect(room.load(ordering: .relaxed) == 0)
        loop.stop()
        loop.run()
        #expect(seen.withLock { $0 } == ["request 1", "request 2", "closed 1"], "a closed connection comes after its requests")
        #expect(room.load(ordering: .relaxed) == 1)
        #expect(channel.offer(request(3)) {})
    }

    @Test func connectionsAreCountedPerHostAndInAll() {
        var limits = ConnectionLimits()
        (limits.total, limits.perHost, limits.overrides) = (4, 2, ["c": 1])
        (limits.perListener, limits.protected) = (["ADMIN": 1], "NODES")
        let quota = ConnectionQuota(limits)
        #expect(quota.admit("a", "X") == nil && quota.admit("a", "X") == nil)
        #expect(quota.admit("a", "X") == "max.connections.per.ip (2) reached for a")
        #expect(quota.admit("c", "ADMIN") == nil)
        #expect(quota.admit("c", "X") == "max.connections.per.ip (1) reached for c")
        #expect(quota.admit("b", "ADMIN") == "max.connections (1) of listener ADMIN reached")
        #expect(quota.admit("b", "X") == nil)
        #expect(quota.admit("b", "X") == "max.connections (4) reached")
        #expect(quota.admit("b", "NODES") == nil, "other nodes come in all the same")
        quota.release("b", "NODES")
        quota.release("a", "X")
        #expect(quota.admit("b", "X") == nil)
        #expect(quota.total == 4)
    }

    /// As many as a second allows at once, then one by one; a look at an empty queue costs nothing.
    @Test func connectionsComeNoFasterThanAllowed() {
        var limits = ConnectionLimits()
        (limits.rate, limits.listenerRates) = (10, ["SLOW": 2])
        let quota = ConnectionQuota(limits)
        func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: 5_000_000_000 + milliseconds * 1_000_000) }
        #expect((0..<2).allSatisfy { _ in quota.delayMs("SLOW", now: at(0)) == 0 })
        #expect(quota.delayMs("SLOW", now: at(0)) == 500)
        #expect((0..<8).allSatisfy { _ in quota.delayMs("X", now: at(0)) == 0 })
        #expect(quota.delayMs("X", now: at(0)) == 100)
        #expect(quota.delayMs("X", now: at(60)) == 40)
        #expect(quota.delayMs("X", now: at(100)) == 0)
        quota.giveBack("X")
        #expect(quota.delayMs("X", now: at(100)) == 0)
        #expect(quota.delayMs("X", now: at(100)) == 100)
        #expect(quota.delayMs("SLOW", now: at(499)) > 0 && quota.delayMs("SLOW", now: at(500)) == 0)
        let free = ConnectionQuota()
        #expect((0..<10_000).allSatisfy { _ in free.delayMs("X", now: at(0)) == 0 })
    }
}
