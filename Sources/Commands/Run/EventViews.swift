import Client
import ClientCore
import Compression
import Console
import Glibc
import History
import Observatory
import Primitives
import Reactor
import Synchronization
import Wire

/// `get events`: the timeline of a cluster, printed. What the console's history and the groups' own log have of it comes first; with
/// `--watch` what happens follows until SIGINT, as the console would see it.
struct EventViews {
    let access: ClusterAccess
    let invocation: Invocation

    /// As many as the console itself reads back.
    static let recalledMax = SessionHistory.recalledEvents

    /// A line of the timeline, wherever it comes from.
    struct Line: Equatable {
        var time: Timestamp
        var since: Timestamp?
        var what: String
        var object: String
        var detail: String
        /// As an export has it.
        var json: String
    }

    func run() throws(Failure) {
        let format = OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table
        let past = try recorded()
        guard invocation.isSet("--watch") else { return print(past, format) }
        if format == .jsonl || format == .json { past.forEach { Streams.print($0.json + "\n") } } else { print(past, format) }
        try follow(format)
    }

    private func print(_ lines: [Line], _ format: OutputFormat) {
        if format == .jsonl { return Streams.print(lines.map { $0.json + "\n" }.joined()) }
        Streams.print(EventViews.listing(lines).text(format, forTerminal: Streams.isTerminal(Streams.output)))
    }

    static func listing(_ lines: [Line]) -> Listing {
        var listing = Listing([
            .init("TIME", "time"), .init("SINCE", "since"), .init("WHAT", "what"), .init("ON", "object"), .init("DETAIL", "detail"),
        ])
        for line in lines {
            listing.add([
                .string(IsoTime.text(line.time)), line.since.map { .string(IsoTime.text($0)) } ?? .null, .string(line.what),
                .string(line.object), line.detail.isEmpty ? .null : .string(line.detail),
            ])
        }
        return listing
    }

    // MARK: What was

    /// What the history has, and what groups' own log tells beside it; by time.
    private func recorded() throws(Failure) -> [Line] {
        let kept = try kept()
        let known = kept.map(SessionHistory.event)
        var lines = kept.map { event in
            Line(time: event.time, since: event.since, what: event.what, object: event.object, detail: event.detail, json: event.line)
        }
        lines += try readBack().filter { event in !known.contains { event.isKnown(by: $0) } }.map(EventViews.line)
        return lines.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    }

    /// Nothing is made where there is no history yet.
    private func kept() throws(Failure) -> [HistoryStore.Event] {
        let path = "\(Paths.state)/history.db"
        guard let cluster = try access.clusterID(), Glibc.access(path, R_OK) == 0 else { return [] }
        let now = SystemClock.now().wall
        do throws(HistoryError) {
            return try HistoryStore(path: path, now: now).events(of: cluster, until: now, limit: EventViews.recalledMax)
        } catch {
            throw Failure(.error, "the history cannot be read: \(path): \(error.message)")
        }
    }

    private func readBack() throws(Failure) -> [ClusterEvent] {
        let topics = try access.ask(MetadataRequest()).topics
        guard topics.contains(where: { $0.name == GroupLog.topic }) else { return [] }
        let reading = GroupLogReader.read(access.client)
        if let problem = reading.problem { Streams.complain("\(GroupLog.topic) could not be read whole: \(problem)") }
        return reading.log.events
    }

    // MARK: What happens

    /// Watches as the console does while its timeline is shown.
    private func follow(_ format: OutputFormat) throws(Failure) {
        let news = Mutex<[Line]>([])
        let isOver = Waiter<Void>()
        let seen = Mutex(0)
        let hosted = access.client.host(
            Observer(bootstrap: access.addresses.map(\.description), codecs: .system),
            output: { snapshot in
                let fresh = seen.withLock { seen in
                    let count = min(snapshot.eventCount - seen, snapshot.events.count)
                    seen = snapshot.eventCount
                    return snapshot.events.suffix(max(0, count)).map(EventViews.line)
                }
                if !fresh.isEmpty { news.withLock { $0 += fresh } }
            })
        hosted.post(.interval(milliseconds: (invocation.integer("--refresh") ?? 2) * 1000))
        hosted.post(.interest(Interest(.events)))
        hosted.post(.refresh)
        while !Streams.outputIsBroken {
            _ = isOver.wait(milliseconds: 200)
            let lines = news.withLock { held in
                let taken = held
                held = []
                return taken
            }
            for line in lines { Streams.print(EventViews.text(line, format)) }
        }
        hosted.cancel()
    }

    /// Without a heading: one stands above already.
    private static func text(_ line: Line, _ format: OutputFormat) -> String {
        switch format {
        case .json, .jsonl: return line.json + "\n"
        case .table, .csv: return listing([line]).text(format).split(separator: "\n").dropFirst().map { $0 + "\n" }.joined()
        }
    }

    static func line(_ event: ClusterEvent) -> Line {
        let words = eventWords(event.kind)
        return Line(
            time: event.time, since: event.inferredSince, what: words.what, object: words.object, detail: words.detail,
            json: EventExport.line(event, what: words.what, object: words.object, detail: words.detail))
    }
}
