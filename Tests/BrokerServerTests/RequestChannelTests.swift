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
        let quota = ConnectionQuota(connectionsMax: 3, connectionsPerHostMax: 2)
        #expect(quota.admit("a") == nil && quota.admit("a") == nil)
        #expect(quota.admit("a") == "max.connections.per.ip (2) reached for a")
        #expect(quota.admit("b") == nil)
        #expect(quota.admit("b") == "max.connections (3) reached")
        quota.release("a")
        #expect(quota.admit("b") == nil)
        #expect(quota.total == 3)
    }
}
