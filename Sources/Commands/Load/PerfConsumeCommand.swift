import Client
import Observatory
import Primitives
import Reactor
import Synchronization

/// `kastellan perf consume`: Kafka's `kafka-consumer-perf-test`. Without a group it joins none and commits nothing.
struct PerfConsumeCommand {
    private enum Format: String { case text, json, jsonl }

    private let access: ClusterAccess
    private let configuration: ClientConfiguration
    private let topics: [String]
    private let count: Int64
    private let idleMs: Int64
    private let hasGroup: Bool
    private let isFromLatest: Bool
    private let showsDetails: Bool
    private let hidesHeader: Bool
    private let reportMs: Int64
    private let format: Format

    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus { try PerfConsumeCommand(invocation).run() }

    private init(_ invocation: Invocation) throws(Failure) {
        guard let count = invocation.integer("--num-records") else { throw .usage("perf consume needs --num-records") }
        self.count = count
        topics = invocation.positionals
        var configuration = try PerfSettings.configuration(
            invocation, flag: "--consumer-props", defaults: [("auto.offset.reset", "earliest")])
        isFromLatest = invocation.isSet("--from-latest")
        do throws(KafkaError) {
            if isFromLatest { try configuration.set("auto.offset.reset", "latest") }
            if let group = invocation.text("--group") { try configuration.set("group.id", group) }
            if let size = invocation.integer("--fetch-size") { try configuration.set("max.partition.fetch.bytes", "\(size)") }
        } catch {
            throw Failure(error)
        }
        hasGroup = configuration.properties["group.id"] != nil
        self.configuration = configuration
        showsDetails = invocation.isSet("--show-detailed-stats")
        hidesHeader = invocation.isSet("--hide-header")
        reportMs = invocation.integer("--reporting-interval") ?? 5_000
        format = invocation.text("--output").flatMap { Format(rawValue: $0) } ?? .text
        access = try ClusterAccess(invocation, override: PerfSettings.address(invocation, flag: "--consumer-props"))
        idleMs = access.timeoutMs
    }

    private func run() throws(Failure) -> ExitStatus {
        var partitions: [TopicPartition] = []
        for topic in topics { partitions += try access.partitions(of: topic).map { TopicPartition(topic, $0) } }
        let consumer: Consumer
        do throws(KafkaError) { consumer = try Consumer(configuration, over: access.client) } catch { throw Failure(error) }
        Interrupt.watch()
        let reading = ConsumeReading(consumer, hasGroup ? nil : partitions, topics, count: count, idleMs: idleMs, reportMs: reportMs)
        if format == .text, !hidesHeader { Streams.print(ConsumeText.header(isDetailed: showsDetails) + "\n") }
        let (format, showsDetails) = (format, showsDetails)
        let waiter = Waiter<Result<ConsumeReading.Figures, Failure>>()
        Task.detached {
            waiter.fill(
                await reading.run { window in
                    guard showsDetails || format == .jsonl else { return }
                    Streams.print((format == .text ? ConsumeText.line(window, isDetailed: true) : ConsumeText.json(window).text) + "\n")
                })
        }
        let figures = try waiter.wait().get()
        switch format {
        case .text: if !showsDetails { Streams.print(ConsumeText.line(figures, isDetailed: false) + "\n") }
        case .json, .jsonl: Streams.print(ConsumeText.json(figures).text + "\n")
        }
        if Interrupt.isSet { return .interrupted }
        guard figures.records < count else { return .ok }
        throw Failure(
            .timeout, "\(figures.records) of \(count) records were read; then none came for \(idleMs) ms: --timeout waits longer")
    }
}

/// A consumer at work: reads so many records and counts them.
struct ConsumeReading: Sendable {
    struct Figures: Sendable {
        var began: Timestamp
        var ended: Timestamp
        var records: Int64 = 0
        var bytes: Int64 = 0
        /// Records and bytes since the report before.
        var windowRecords: Int64 = 0
        var windowBytes: Int64 = 0
        var windowMs: Int64 = 0
        /// Until the group had given its partitions, whenever it had taken them.
        var rebalanceMs: Int64 = 0

        var elapsedMs: Int64 { max(1, ended.milliseconds - began.milliseconds) }
        var fetchMs: Int64 { max(1, elapsedMs - rebalanceMs) }
    }

    /// When the group has none of its partitions given out to us, and for how long in all.
    private final class Rebalances: Sendable {
        private let state: Mutex<(since: Instant?, milliseconds: Int64)>
        init(since: Instant?) { state = Mutex((since, 0)) }

        func begin() { state.withLock { if $0.since == nil { $0.since = SystemClock.instant() } } }
        func end() {
            state.withLock { state in
                if let since = state.since { state.milliseconds += SystemClock.instant().milliseconds(since: since) }
                state.since = nil
            }
        }
        var milliseconds: Int64 {
            state.withLock { state in
                state.milliseconds + (state.since.map { SystemClock.instant().milliseconds(since: $0) } ?? 0)
            }
        }
    }

    private let consumer: Consumer
    /// Read without a group; nil: with one.
    private let partitions: [TopicPartition]?
    private let topics: [String]
    private let count: Int64
    private let idleMs: Int64
    private let reportMs: Int64

    init(_ consumer: Consumer, _ partitions: [TopicPartition]?, _ topics: [String], count: Int64, idleMs: Int64, reportMs: Int64) {
        (self.consumer, self.partitions, self.topics, self.count) = (consumer, partitions, topics, count)
        (self.idleMs, self.reportMs) = (idleMs, reportMs)
    }

    func run(_ onWindow: (Figures) -> Void) async -> Result<Figures, Failure> {
        let rebalances = Rebalances(since: partitions == nil ? SystemClock.instant() : nil)
        do {
            if let partitions {
                try consumer.assign(partitions)
            } else {
                let listener = RebalanceListener(
                    onAssigned: { _ in rebalances.end() }, onRevoked: { _ in rebalances.begin() }, onLost: { _ in rebalances.begin() })
                try consumer.subscribe(topics, listener: listener)
            }
            let figures = try await read(rebalances, onWindow)
            await consumer.close()
            return .success(figures)
        } catch {
            await consumer.close()
            return .failure((error as? KafkaError).map { Failure($0) } ?? Failure(.error, "\(error)"))
        }
    }

    private func read(_ rebalances: Rebalances, _ onWindow: (Figures) -> Void) async throws -> Figures {
        let start = SystemClock.now()
        var figures = Figures(began: start.wall, ended: start.wall)
        var (heardAt, reportedAt) = (start.instant, start.instant)
        while figures.records < count, !Interrupt.isSet {
            let records = try await consumer.poll(timeout: .milliseconds(100))
            let now = SystemClock.now()
            for record in records.prefix(Int(clamping: count - figures.records)) {
                figures.records += 1
                figures.windowRecords += 1
                let size = Int64((record.key?.count ?? 0) + (record.value?.count ?? 0))
                figures.bytes += size
                figures.windowBytes += size
            }
            (figures.ended, figures.rebalanceMs) = (now.wall, rebalances.milliseconds)
            if !records.isEmpty { heardAt = now.instant }
            if now.instant.milliseconds(since: reportedAt) >= reportMs {
                figures.windowMs = now.instant.milliseconds(since: reportedAt)
                onWindow(figures)
                (figures.windowRecords, figures.windowBytes, reportedAt) = (0, 0, now.instant)
            }
            if now.instant.milliseconds(since: heardAt) >= idleMs { break }
        }
        figures.windowMs = SystemClock.instant().milliseconds(since: reportedAt)
        if figures.windowRecords > 0 { onWindow(figures) }
        return figures
    }
}

/// Its figures, in the columns of Kafka's tool and as JSON.
enum ConsumeText {
    static func header(isDetailed: Bool) -> String {
        (isDetailed ? "time, threadId" : "start.time, end.time")
            + ", data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, "
            + "fetch.nMsg.sec"
    }

    private static func time(_ time: Timestamp) -> String {
        let civil = CivilTime(time)
        let clock = civil.clockMilliseconds
        // Kafka's tool has a colon before the milliseconds.
        return "\(civil.date) \(clock.prefix(8)):\(clock.suffix(3))"
    }

    /// With details rates are of the time since the line before; without, of all.
    static func line(_ figures: ConsumeReading.Figures, isDetailed: Bool) -> String {
        let megabytes = Double(figures.bytes) / Double(1 << 20)
        let (bytes, records, ms) =
            isDetailed
            ? (figures.windowBytes, figures.windowRecords, max(1, figures.windowMs)) : (figures.bytes, figures.records, figures.elapsedMs)
        func perSecond(_ amount: Double, _ ms: Int64) -> String { decimals(amount * 1000 / Double(ms), 4) }
        let fetchMs = isDetailed ? ms : figures.fetchMs
        let cells = [
            isDetailed ? time(figures.ended) : time(figures.began), isDetailed ? "0" : time(figures.ended), decimals(megabytes, 4),
            perSecond(Double(bytes) / Double(1 << 20), ms), "\(figures.records)", perSecond(Double(records), ms), "\(figures.rebalanceMs)",
            "\(fetchMs)", perSecond(Double(bytes) / Double(1 << 20), fetchMs), perSecond(Double(records), fetchMs),
        ]
        return cells.joined(separator: ", ")
    }

    static func json(_ figures: ConsumeReading.Figures) -> JSON {
        func rounded(_ value: Double) -> JSON { .decimal((value * 1000).rounded() / 1000) }
        let seconds = Double(figures.elapsedMs) / 1000
        let megabytes = Double(figures.bytes) / Double(1 << 20)
        let members: [(String, JSON)] = [
            ("startTime", .string(IsoTime.text(figures.began) + "Z")), ("endTime", .string(IsoTime.text(figures.ended) + "Z")),
            ("recordsRead", .number(figures.records)), ("bytesRead", .number(figures.bytes)), ("seconds", rounded(seconds)),
            ("recordsPerSecond", rounded(Double(figures.records) / seconds)), ("megabytesPerSecond", rounded(megabytes / seconds)),
            ("rebalanceMs", .number(figures.rebalanceMs)), ("fetchMs", .number(figures.fetchMs)),
        ]
        return .object(members.map { JSON.Member($0.0, $0.1) })
    }
}
