import ClientCore
import Primitives
import Wire

/// A machine with answers and a clock that the test plays.
struct MachineStory<M: ClientMachine> {
    var machine: M
    var now = Now(instant: Instant(nanoseconds: 1_000_000_000), wall: Timestamp(milliseconds: 1_700_000_000_000))
    /// Requests without an answer, in order.
    var sent: [(token: Int, request: ClientRequest)] = []
    var outputs: [M.Output] = []
    var isFinished = false

    init(_ machine: M) { self.machine = machine }

    mutating func perform(_ effects: [ClientEffect<M.Output>]) {
        for effect in effects {
            switch effect {
            case .send(let token, let request): sent.append((token, request))
            case .output(let output): outputs.append(output)
            case .finished: isFinished = true
            }
        }
    }

    mutating func start() { perform(machine.start(now: now)) }
    mutating func receive(_ input: M.Input) { perform(machine.receive(input, now: now)) }

    mutating func advance(_ milliseconds: Int64) {
        now.instant = now.instant.adding(milliseconds: milliseconds)
        now.wall = Timestamp(milliseconds: now.wall.milliseconds + milliseconds)
        if machine.nextDeadline <= now.instant { perform(machine.tick(now: now)) }
    }

    var sentKeys: [APIKey] { sent.map(\.request.apiKey) }

    /// The oldest unanswered request of a type.
    func request<R: WireRequest>(_: R.Type) -> (message: R, target: RequestTarget)? {
        for entry in sent { if let message = entry.request.message as? R { return (message, entry.request.target) } }
        return nil
    }

    /// Answers the oldest request that `response` can answer.
    mutating func answer<R: WireResponse>(_ response: R, from broker: BrokerID = 1, version: Int16 = 0) {
        guard let place = sent.firstIndex(where: { $0.request.apiKey == R.apiKey }) else { return }
        let token = sent.remove(at: place).token
        perform(machine.answered(token, .success(Answer(message: response, version: version, broker: broker)), now: now))
    }

    mutating func fail(_ key: APIKey, _ error: ClientError) {
        guard let place = sent.firstIndex(where: { $0.request.apiKey == key }) else { return }
        let token = sent.remove(at: place).token
        perform(machine.answered(token, .failure(error), now: now))
    }
}
