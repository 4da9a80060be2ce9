import Broker
import Primitives
import Reactor
import Synchronization

/// Events on their way from the processors' threads to the broker's: requests, at most `queued.max.requests` of them, and closed
/// connections, always. A processor that finds it full keeps its request, whose connection stays paused, and is told when there is room.
final class RequestChannel: Sendable {
    typealias Wakeup = @Sendable () -> Void

    private struct State {
        var events: [BrokerEvent] = []
        var requests = 0
        var refused: [Wakeup] = []
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let loop: EventLoop
    private let onEvents: @Sendable ([BrokerEvent]) -> Void

    /// `onEvents` runs on `loop`.
    init(capacity: Int, loop: EventLoop, onEvents: @escaping @Sendable ([BrokerEvent]) -> Void) {
        self.capacity = max(1, capacity)
        self.loop = loop
        self.onEvents = onEvents
    }

    /// False when full; then `onRoom` will be called once, on the broker's thread.
    func offer(_ request: RequestContext, onRoom: @escaping Wakeup) -> Bool {
        let (accepted, first) = state.withLock { state -> (Bool, Bool) in
            guard state.requests < capacity else {
                state.refused.append(onRoom)
                return (false, false)
            }
            state.requests += 1
            state.events.append(.requestReceived(request))
            return (true, state.events.count == 1)
        }
        if first { loop.post { self.drain() } }
        return accepted
    }

    /// Comes after the requests of that connection.
    func closed(_ connection: ConnectionID) {
        let first = state.withLock { state in
            state.events.append(.connectionClosed(connection))
            return state.events.count == 1
        }
        if first { loop.post { self.drain() } }
    }

    private func drain() {
        let (events, refused) = state.withLock { state in
            let taken = (state.events, state.refused)
            state = State()
            return taken
        }
        onEvents(events)
        for wakeup in refused { wakeup() }
    }
}
