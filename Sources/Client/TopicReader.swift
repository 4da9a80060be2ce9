import ClientCore
import Primitives
import Records
import Synchronization

/// Reads topics over a client: by callback, or pulled from any thread. Never joins a group, never commits. What is not taken bounds what
/// is fetched.
package final class TopicReader: Sendable {
    private let hosted: HostedMachine<TopicReaderMachine>
    private let inbox: Inbox?

    /// By callback, on the client's thread. With `.records` comes the duty to call `taken` with its bytes when they are dealt with.
    package init(_ client: ClusterClient, _ options: ReaderOptions, onOutput: @escaping @Sendable (ReaderOutput) -> Void) {
        inbox = nil
        hosted = client.host(TopicReaderMachine(options, codecs: clientCodecs), output: onOutput)
    }

    /// To be pulled with `next`.
    package init(_ client: ClusterClient, _ options: ReaderOptions) {
        let inbox = Inbox()
        self.inbox = inbox
        hosted = client.host(
            TopicReaderMachine(options, codecs: clientCodecs), output: { inbox.put($0) }, finished: { inbox.finish() })
    }

    deinit { hosted.cancel() }

    package func taken(bytes: Int) { hosted.post(.taken(bytes: bytes)) }
    package func pause() { hosted.post(.pause) }
    package func resume() { hosted.post(.resume) }
    package func stop() { hosted.cancel() }

    package enum Pulled: Sendable {
        case output(ReaderOutput)
        case nothingYet
        /// Reading is over and all was pulled.
        case finished
    }

    /// Waits up to `timeoutMs` for the next output. Bytes of records count as taken when they are pulled.
    package func next(timeoutMs: Int64) -> Pulled {
        guard let inbox else { return .finished }
        let pulled = inbox.take(timeoutMs: timeoutMs)
        if case .output(.records(_, let bytes, _)) = pulled { hosted.post(.taken(bytes: bytes)) }
        return pulled
    }
}

/// What a reader put out and nobody pulled yet. The machine's own bound on handed-out bytes bounds it.
private final class Inbox: Sendable {
    private struct State {
        var outputs: [ReaderOutput] = []
        var isFinished = false
        var waiter: Waiter<Void>?
    }
    private let state = Mutex(State())

    func put(_ output: ReaderOutput) { change { $0.outputs.append(output) } }
    func finish() { change { $0.isFinished = true } }

    private func change(_ act: (inout State) -> Void) {
        let waiter = state.withLock { state in
            act(&state)
            let waiting = state.waiter
            state.waiter = nil
            return waiting
        }
        waiter?.fill(())
    }

    func take(timeoutMs: Int64) -> TopicReader.Pulled {
        if let pulled = pull(waiter: nil) { return pulled }
        let waiter = Waiter<Void>()
        if let pulled = pull(waiter: waiter) { return pulled }
        _ = waiter.wait(milliseconds: timeoutMs)
        return pull(waiter: nil) ?? .nothingYet
    }

    private func pull(waiter: Waiter<Void>?) -> TopicReader.Pulled? {
        state.withLock { state in
            if !state.outputs.isEmpty { return .output(state.outputs.removeFirst()) }
            if state.isFinished { return .finished }
            state.waiter = waiter
            return nil
        }
    }
}
