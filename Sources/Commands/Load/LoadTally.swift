import Client
import Primitives
import Reactor
import Synchronization

/// What a run of load has come to so far: any thread counts, the run's own reads.
final class LoadTally: Sendable {
    /// A stretch of the run: a window between two reports, or all of it.
    struct Stretch: Sendable {
        var began: Instant
        var ended: Instant
        var records: Int64 = 0
        var bytes: Int64 = 0
        /// In microseconds.
        var latencies = Histogram()

        init(from began: Instant) { (self.began, ended) = (began, began) }

        fileprivate mutating func add(_ size: Int, _ micros: Int) {
            records += 1
            bytes += Int64(size)
            latencies.add(micros)
        }

        var seconds: Double { max(Double(ended.nanoseconds - began.nanoseconds) / 1e9, 1e-9) }
        var recordsPerSecond: Double { Double(records) / seconds }
        /// Of 2^20 bytes, as Kafka's tools count them.
        var megabytesPerSecond: Double { Double(bytes) / Double(1 << 20) / seconds }
        var latencyAverageMs: Double { (latencies.mean ?? 0) / 1000 }
        var latencyMaxMs: Double { Double(latencies.most) / 1000 }
        func latencyMs(_ part: Double) -> Double { Double(latencies.quantile(part) ?? 0) / 1000 }
    }

    private struct State {
        var window: Stretch
        var whole: Stretch
        var failed: Int64 = 0
        var firstFailure: KafkaError?
    }
    private let state: Mutex<State>

    init(from began: Instant) { state = Mutex(State(window: Stretch(from: began), whole: Stretch(from: began))) }

    /// A record was acknowledged, or not. `due`: when it was to be sent; one of the warm-up counts in its window alone.
    func settle(_ result: Producer.Outcome, size: Int, due: Instant, isWarmUp: Bool) {
        let micros = Int(max(0, SystemClock.instant().nanoseconds - due.nanoseconds) / 1000)
        state.withLock { state in
            switch result {
            case .success:
                state.window.add(size, micros)
                if !isWarmUp { state.whole.add(size, micros) }
            case .failure(let error):
                state.failed += 1
                state.firstFailure = state.firstFailure ?? error
            }
        }
    }

    /// The warm-up is over: what is counted as the whole begins now.
    func begin(at now: Instant) { state.withLock { $0.whole.began = now } }

    /// The window until now, which ends with it.
    func takeWindow(at now: Instant) -> Stretch {
        state.withLock { state in
            defer { state.window = Stretch(from: now) }
            state.window.ended = now
            return state.window
        }
    }

    var written: Int64 { state.withLock { $0.whole.records } }
    var failures: (count: Int64, first: KafkaError?) { state.withLock { ($0.failed, $0.firstFailure) } }

    func whole(at now: Instant) -> Stretch {
        state.withLock { state in
            var whole = state.whole
            whole.ended = now
            return whole
        }
    }
}
