import ClientCore
import Primitives
import Records
import Synchronization

/// Writes messages over a client, from any thread: batches, keyed partitions, retries, no duplicates.
package final class SimpleProducer: Sendable {
    package typealias Completion = @Sendable (Result<Delivery, ClientError>) -> Void

    package struct Delivery: Equatable, Sendable {
        package var partition: TopicPartition
        package var offset: Offset
    }

    private struct State {
        var nextNumber = 0
        var completions: [Int: Completion] = [:]
        /// Those who wait until nothing is outstanding.
        var idleWaiters: [Waiter<Void>] = []
        var bytes = 0
        var sizes: [Int: Int] = [:]
    }

    /// What the machine tells, filed by the producer's own numbers; separate from the producer so that the machine does not hold it.
    private final class Ledger: Sendable {
        let state = Mutex(State())

        func settle(_ number: Int, _ result: Result<Delivery, ClientError>) {
            let (completion, idle) = state.withLock { state -> (Completion?, [Waiter<Void>]) in
                state.bytes -= state.sizes.removeValue(forKey: number) ?? 0
                let completion = state.completions.removeValue(forKey: number)
                guard state.completions.isEmpty else { return (completion, []) }
                let waiters = state.idleWaiters
                state.idleWaiters = []
                return (completion, waiters)
            }
            completion?(result)
            for waiter in idle { waiter.fill(()) }
        }

        func abandon() {
            let numbers = state.withLock { $0.completions.keys.sorted() }
            for number in numbers { settle(number, .failure(.stopped)) }
        }
    }

    private let hosted: HostedMachine<ProducerMachine>
    private let ledger = Ledger()
    private let bufferedBytesMax: Int

    package init(_ client: ClusterClient, _ options: ProducerOptions = ProducerOptions()) {
        bufferedBytesMax = options.bufferedBytesMax
        let ledger = ledger
        hosted = client.host(
            ProducerMachine(options, codecs: clientCodecs),
            output: { output in
                switch output {
                case .delivered(let number, let partition, let offset):
                    ledger.settle(number, .success(Delivery(partition: partition, offset: offset)))
                case .failed(let number, let error): ledger.settle(number, .failure(error))
                case .transactionDone, .transactionFailed, .written, .lost, .topic: break
                }
            }, finished: { ledger.abandon() })
    }

    deinit { hosted.cancel() }

    /// Takes a message; `completion` is called exactly once, on the client's thread. False, without a call, where the buffer is full.
    @discardableResult
    package func send(_ record: ProducerRecord, completion: @escaping Completion = { _ in }) -> Bool {
        let size = record.size
        let number: Int? = ledger.state.withLock { state in
            guard state.bytes == 0 || state.bytes + size <= bufferedBytesMax else { return nil }
            let number = state.nextNumber
            state.nextNumber += 1
            state.completions[number] = completion
            state.sizes[number] = size
            state.bytes += size
            return number
        }
        guard let number else { return false }
        hosted.post(.send(number: number, record))
        return true
    }

    /// Sends a message and waits until it is written.
    package func sendAndWait(_ record: ProducerRecord, timeoutMs: Int64 = 30_000) throws(ClientError) -> Delivery {
        let box = Waiter<Result<Delivery, ClientError>>()
        guard send(record, completion: { box.fill($0) }) else { throw .overloaded }
        hosted.post(.flush)
        guard let result = box.wait(milliseconds: timeoutMs) else { throw .timedOut("Produce") }
        return try result.get()
    }

    /// Waits until all that was sent is written or failed; false where that took longer.
    @discardableResult
    package func flush(timeoutMs: Int64 = 30_000) -> Bool {
        let waiter = Waiter<Void>()
        let isIdle = ledger.state.withLock { state in
            if state.completions.isEmpty { return true }
            state.idleWaiters.append(waiter)
            return false
        }
        if isIdle { return true }
        hosted.post(.flush)
        return waiter.wait(milliseconds: timeoutMs) != nil
    }

    /// Messages that are neither written nor failed yet.
    package var outstanding: Int { ledger.state.withLock { $0.completions.count } }
}
