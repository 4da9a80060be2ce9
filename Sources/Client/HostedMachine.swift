import ClientCore
import Primitives
import Reactor

/// The handle of a machine that runs on a client's thread. May be used from any thread.
package final class HostedMachine<M: ClientMachine>: Sendable {
    private let loop: EventLoop
    /// Set on the loop's thread before anything that `post` and `cancel` bring there.
    private let run: LoopBound<Holder>

    final class Holder {
        var run: MachineRun<M>?
    }

    init(loop: EventLoop) {
        self.loop = loop
        run = LoopBound(Holder(), loop)
    }

    func attach(_ machine: MachineRun<M>) { run.value.run = machine }

    /// Tells the machine something.
    package func post(_ input: M.Input) {
        let run = run
        loop.post { run.value.run?.receive(input) }
    }

    /// The same, made on the machine's thread; nil where there is nothing to tell any more.
    func post(taking input: @escaping @Sendable () -> M.Input?) {
        let run = run
        loop.post { if let input = input() { run.value.run?.receive(input) } }
    }

    /// The same not before `deadline`.
    func post(at deadline: Instant, taking input: @escaping @Sendable () -> M.Input?) {
        let run = run
        let loop = loop
        loop.post { loop.schedule(at: deadline) { if let input = input() { run.value.run?.receive(input) } } }
    }

    /// Ends the machine; nothing more comes out of it. `finished` is called.
    package func cancel() {
        let run = run
        loop.post {
            run.value.run?.end()
            run.value.run = nil
        }
    }
}

/// A machine at work: sends its requests, hands it answers and time. Owner: the client's loop.
final class MachineRun<M: ClientMachine>: MachineStopping {
    private var machine: M
    private let client: ClientLoop
    private let output: (M.Output) -> Void
    private let finished: () -> Void
    /// Request numbers by the machine's tokens.
    private var sent: [Int: Int] = [:]
    private var timer: TimerID?
    private var timerDeadline = Instant.distantFuture
    private var isEnded = false
    /// Answers can arrive while effects are being performed; they wait until that is done, so that the machine is never re-entered.
    private var isPerforming = false
    private var waiting: [(token: Int, result: AnswerResult)] = []

    init(_ machine: M, _ client: ClientLoop, output: @escaping (M.Output) -> Void, finished: @escaping () -> Void) {
        self.machine = machine
        self.client = client
        self.output = output
        self.finished = finished
    }

    func start() {
        client.add(self)
        step { $0.start(now: client.now) }
    }

    func receive(_ input: M.Input) { step { $0.receive(input, now: client.now) } }

    func end() {
        guard !isEnded else { return }
        isEnded = true
        if let timer { client.loop.cancel(timer) }
        for (_, number) in sent { client.cancel(number) }
        sent = [:]
        client.remove(self)
        finished()
    }

    func clientStopped() { end() }

    private func step(_ act: (inout M) -> [ClientEffect<M.Output>]) {
        guard !isEnded else { return }
        perform(act(&machine))
        while !isEnded, !waiting.isEmpty {
            let next = waiting.removeFirst()
            perform(machine.answered(next.token, next.result, now: client.now))
        }
        arm()
    }

    private func perform(_ effects: [ClientEffect<M.Output>]) {
        isPerforming = true
        defer { isPerforming = false }
        for effect in effects where !isEnded {
            switch effect {
            case .send(let token, let request): send(token, request)
            case .output(let value): output(value)
            case .finished: end()
            }
        }
    }

    private func send(_ token: Int, _ request: ClientRequest) {
        let number = client.submit(request) { [weak self] result in self?.answered(token, result) }
        if number >= 0, !waiting.contains(where: { $0.token == token }) { sent[token] = number }
    }

    private func tick() { step { $0.tick(now: client.now) } }

    private func answered(_ token: Int, _ result: AnswerResult) {
        guard !isEnded else { return }
        sent[token] = nil
        if isPerforming {
            waiting.append((token, result))
        } else {
            step { $0.answered(token, result, now: client.now) }
        }
    }

    private func arm() {
        guard !isEnded else { return }
        let deadline = machine.nextDeadline
        guard deadline != timerDeadline || timer == nil else { return }
        if let timer { client.loop.cancel(timer) }
        timer = nil
        timerDeadline = deadline
        guard deadline != .distantFuture else { return }
        timer = client.loop.schedule(at: max(deadline, SystemClock.instant().adding(milliseconds: 1))) { [weak self] in
            self?.timer = nil
            self?.tick()
        }
    }
}
