import Client
import Glibc
import Observatory
import Primitives
import Reactor
import Records
import Synchronization

/// Writes made-up records to a topic, as fast as they are taken or at a rate, and times them. Blocks its thread; another may `abort` it.
///
/// A record's latency is counted to its acknowledgement from when it was due: at a rate that is the time at which its turn came, whether
/// or not it could be sent then, so that a cluster which stops for a second is told with all that should have been written in that second
/// (what is called corrected for coordinated omission). Without a rate it was due when it was handed to the producer, and time that it
/// waited for room there counts.
final class LoadRun: Sendable {
    struct Job: Sendable {
        var topic: String
        var records: Int64
        /// Records a second; nil: as fast as they are taken.
        var rate: Double?
        var payloads: LoadPayloads
        /// Records before what is counted as the whole begins.
        var warmUp: Int64 = 0
        /// With transactions: how long one is written to before it is committed.
        var transactionMs: Int64?
        var reportMs: Int64 = 5_000
    }

    struct Outcome: Sendable {
        var whole: LoadTally.Stretch
        var failed: Int64
        var firstFailure: KafkaError?
        var isAborted: Bool
    }

    private let job: Job
    private let producer: Producer
    private let tally: LoadTally
    private let isAborted = Atomic<Bool>(false)
    private let isInterrupted: @Sendable () -> Bool
    private let onWindow: @Sendable (LoadTally.Stretch, _ sent: Int64) -> Void

    /// How long a record waits for room before the cluster counts as not taking any.
    private static let roomMs: Int64 = 60_000

    /// `producer` was made with `blockMs`, so that a full buffer does not keep reports and the end waiting.
    init(
        _ job: Job, _ producer: Producer, isInterrupted: @escaping @Sendable () -> Bool = { false },
        onWindow: @escaping @Sendable (LoadTally.Stretch, _ sent: Int64) -> Void = { _, _ in }
    ) {
        self.job = job
        self.producer = producer
        self.isInterrupted = isInterrupted
        self.onWindow = onWindow
        tally = LoadTally(from: SystemClock.instant())
    }

    static let blockMs: Int64 = 200

    /// What a plan of the console says, over a client that is there, with reports as often as a person looks.
    convenience init(
        _ load: LoadJob, over client: ClusterClient, onWindow: @escaping @Sendable (LoadTally.Stretch, _ sent: Int64) -> Void
    ) throws(Failure) {
        var job = Job(
            topic: load.topic, records: load.records, rate: load.rate.map { Double($0) },
            payloads: LoadPayloads(size: load.size, seed: SystemClock.seed()))
        job.reportMs = 1_000
        do throws(KafkaError) {
            let settings = ["acks": load.acks.rawValue, "compression.type": load.codec.name]
            let producer = try Producer(ClientConfiguration(properties: settings), over: client, roomMs: LoadRun.blockMs)
            self.init(job, producer, onWindow: onWindow)
        } catch {
            throw Failure(error)
        }
    }

    func abort() { isAborted.store(true, ordering: .relaxed) }
    private var mustStop: Bool { isAborted.load(ordering: .relaxed) || isInterrupted() }

    /// What the run's own thread keeps.
    private struct Course {
        var sent: Int64 = 0
        var reportAt: Instant
        /// When the open transaction began.
        var transactionBegan: Instant?
    }

    /// Whoever runs it says by which gate: there is no way round it.
    func run(gate: ChangeGate) throws(Failure) -> Outcome {
        if let objection = gate.objection(at: SystemClock.instant()) { throw Failure(.error, objection) }
        let isTransactional = job.transactionMs != nil
        if isTransactional { try step { (producer) throws(KafkaError) in try await producer.initTransactions() } }
        let began = SystemClock.instant()
        var course = Course(reportAt: began.adding(milliseconds: job.reportMs))
        var payloads = job.payloads
        tally.begin(at: began)
        while course.sent < job.records, !mustStop {
            let due = wait(for: course.sent, since: began, &course)
            if mustStop { break }
            if isTransactional { try turnTransaction(due, &course) }
            if course.sent == job.warmUp { tally.begin(at: due) }
            try send(payloads.next(course.sent), due: due, &course)
            course.sent += 1
        }
        try finish(&course)
        let failures = tally.failures
        return Outcome(
            whole: tally.whole(at: SystemClock.instant()), failed: failures.count, firstFailure: failures.first, isAborted: mustStop)
    }

    /// Until it is the record's turn; when that is.
    private func wait(for index: Int64, since began: Instant, _ course: inout Course) -> Instant {
        var now = SystemClock.instant()
        report(&course, now)
        guard let rate = job.rate else { return now }
        let due = Instant(nanoseconds: began.nanoseconds &+ Int64(Double(index) / rate * 1e9))
        while now < due, !mustStop {
            // The kernel is late by some 50 microseconds; the records whose turn came meanwhile are sent at once, and count from then.
            usleep(UInt32(clamping: min((due.nanoseconds - now.nanoseconds) / 1000 + 1, 50_000)))
            now = SystemClock.instant()
            report(&course, now)
        }
        return due
    }

    private func report(_ course: inout Course, _ now: Instant) {
        guard now >= course.reportAt else { return }
        course.reportAt = now.adding(milliseconds: job.reportMs)
        onWindow(tally.takeWindow(at: now), course.sent)
    }

    private func send(_ value: Bytes, due: Instant, _ course: inout Course) throws(Failure) {
        let (tally, size, isWarmUp) = (tally, value.count, course.sent < job.warmUp)
        let record = OutgoingRecord(topic: job.topic, value: value)
        let giveUp = SystemClock.instant().adding(milliseconds: LoadRun.roomMs)
        while true {
            do throws(KafkaError) {
                try producer.send(record) { tally.settle($0, size: size, due: due, isWarmUp: isWarmUp) }
                return
            } catch {
                let now = SystemClock.instant()
                guard error.kind == .bufferFull, now < giveUp else { throw Failure(error) }
                report(&course, now)
                if mustStop { return }
            }
        }
    }

    // MARK: Transactions and the end

    /// Begins a transaction where none is open, and commits one that is old enough before.
    private func turnTransaction(_ now: Instant, _ course: inout Course) throws(Failure) {
        if let began = course.transactionBegan, now.milliseconds(since: began) >= job.transactionMs ?? 0 { try commit(&course) }
        guard course.transactionBegan == nil else { return }
        try step { (producer) throws(KafkaError) in try await producer.beginTransaction() }
        course.transactionBegan = now
    }

    private func commit(_ course: inout Course) throws(Failure) {
        course.transactionBegan = nil
        do throws(Failure) {
            try step { (producer) throws(KafkaError) in try await producer.commitTransaction() }
        } catch {
            try? step { (producer) throws(KafkaError) in try await producer.abortTransaction() }
            throw error
        }
    }

    /// All that was sent is acknowledged or has failed; reports go on meanwhile.
    private func finish(_ course: inout Course) throws(Failure) {
        if course.transactionBegan != nil { try commit(&course) }
        let waiter = Waiter<Void>()
        Task.detached { [producer] in
            await producer.flush()
            waiter.fill(())
        }
        while waiter.wait(milliseconds: 50) == nil { report(&course, SystemClock.instant()) }
    }

    /// Does what is asynchronous and waits for it on the run's thread.
    private func step(_ work: @escaping @Sendable (Producer) async throws(KafkaError) -> Void) throws(Failure) {
        let waiter = Waiter<Result<Void, KafkaError>>()
        Task.detached { [producer] in
            do throws(KafkaError) {
                try await work(producer)
                waiter.fill(.success(()))
            } catch {
                waiter.fill(.failure(error))
            }
        }
        if case .failure(let error) = waiter.wait() { throw Failure(error) }
    }
}

extension Failure {
    /// What the library says, with the exit code for it.
    init(_ error: KafkaError) {
        let refused = ["TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"]
        let status: ExitStatus =
            switch error.kind {
            case .authentication: .authentication
            case .refused: refused.contains(error.name ?? "") ? .authentication : .error
            case .unreachable: .unreachable
            case .timedOut, .bufferFull: .timeout
            case .configuration: .usage
            default: .error
            }
        self.init(status, error.description)
    }
}
