import Client
import Compression
import Console
import Glibc
import History
import Observatory
import Primitives
import Reactor
import Records
import Synchronization

/// A session's history: pictures and events go to the disk, and come back, on a thread of its own. Nothing here makes the UI thread wait,
/// and nothing that goes wrong here is worse than no history.
final class SessionHistory: Sendable {
    /// Pictures follow each other no faster than this; large ones more slowly, so that no more is written than `bytesPerSecond`.
    static let intervalMs: Int64 = 5_000
    static let bytesPerSecond: Int64 = 16 << 10
    /// What is read back at the start: so many events, and the pictures of so long.
    static let recalledEvents = 500
    static let recalledMs: Int64 = 600_000
    /// Of a large cluster pictures are kept more rarely, and fewer are read back: writing and reading one takes time and memory. A picture
    /// when a millisecond has passed for so many partitions; so many partitions read back, over all pictures.
    static let partitionsPerMs: Int64 = 2
    static let recalledPartitions = 200_000

    /// What belongs to the history's thread.
    private final class Work: @unchecked Sendable {
        var store: HistoryStore?
        var hasFailed = false
        /// Of the snapshot's events, how many are written.
        var eventsSaved = 0
        var hasRecalled = false
        /// The cluster that these are about: a session may go from one to another.
        var cluster = ""
        var audit = AuditFollower()
    }

    private let path: String
    private let mailbox: ConsoleMailbox
    private let loop = EventLoop()
    private let work = Work()
    private let lastBytes = Atomic<Int64>(0)
    private let savedAt = Mutex(Instant.zero)

    init(path: String, _ mailbox: ConsoleMailbox) {
        (self.path, self.mailbox) = (path, mailbox)
        loop.start()
    }

    /// Ends when what is under way is written.
    func stop() {
        loop.stop()
        loop.join()
    }

    // MARK: From the UI thread

    /// A new picture. Most are let go: one every few seconds is kept.
    /// `done`: what other programs of this user changed, by the audit's lines.
    func take(
        _ snapshot: ClusterSnapshot, at now: Instant, recalled: @escaping @Sendable (Recollection) -> Void,
        done: @escaping @Sendable ([ClusterEvent]) -> Void
    ) {
        guard let cluster = snapshot.clusterID, snapshot.connection.isConnected, snapshot.observations.metadata.time != nil else { return }
        let interval = max(
            SessionHistory.intervalMs, lastBytes.load(ordering: .relaxed) * 1000 / SessionHistory.bytesPerSecond,
            Int64(snapshot.health.partitions) / SessionHistory.partitionsPerMs)
        let (isDue, isFirst) = savedAt.withLock { saved in
            guard saved == .zero || now.milliseconds(since: saved) >= interval else { return (false, false) }
            defer { saved = now }
            return (true, saved == .zero)
        }
        guard isDue else { return }
        // The first picture of a large cluster has next to nothing in it yet, and there is enough to do just then.
        let isSaved = !isFirst || interval == SessionHistory.intervalMs
        loop.post { [self] in
            guard let store = opened(at: snapshot.time) else { return }
            if work.cluster != cluster { (work.cluster, work.hasRecalled, work.eventsSaved) = (cluster, false, 0) }
            if !work.hasRecalled {
                work.hasRecalled = true
                recall(cluster, store, before: snapshot.time, recalled)
            }
            guard isSaved else { return }
            attempt { () throws(HistoryError) in
                let body = FrameCodec.encode(snapshot)
                let packed = (try? Codecs.system.compress(.zstd, body)) ?? body
                lastBytes.store(Int64(packed.count), ordering: .relaxed)
                try store.save(packed, of: cluster, at: snapshot.time)
                let observed = snapshot.eventCount - snapshot.recalledEvents
                let count = min(observed - work.eventsSaved, snapshot.events.count)
                let fresh = snapshot.events.suffix(max(0, count)).filter { if case .recorded = $0.kind { false } else { true } }
                work.eventsSaved = observed
                if !fresh.isEmpty { try store.save(fresh.map(SessionHistory.row), of: cluster) }
            }
            let others = work.audit.news(of: cluster)
            if !others.isEmpty { done(others) }
        }
    }

    /// What groups' own log told, so that it is there when the log no longer has it; once each.
    func keep(_ events: [ClusterEvent], of cluster: String?) {
        guard let cluster, !events.isEmpty else { return }
        loop.post { [self] in
            guard work.cluster == cluster, let store = opened(at: events[0].time) else { return }
            attempt { () throws(HistoryError) in
                let until = Timestamp(milliseconds: events.reduce(Int64.min) { max($0, $1.time.milliseconds) } + 60_000)
                let known = try store.events(of: cluster, until: until, limit: 2 * GroupLog.eventsMax).map(SessionHistory.event)
                let fresh = events.filter { event in !known.contains { event.isKnown(by: $0) } }
                if !fresh.isEmpty { try store.save(fresh.map(SessionHistory.row), of: cluster) }
            }
        }
    }

    /// Looks for a picture; the answer is an event.
    func seek(_ seek: HistorySeek, of cluster: String?) {
        guard let cluster else { return mailbox.post(.event(.past(seek, .success(nil)))) }
        loop.post { [self] in
            guard let store = opened(at: seek.time) else {
                return mailbox.post(.event(.past(seek, .failure(ConsoleFailure("There is no history: \(path) cannot be used.")))))
            }
            do throws(HistoryError) {
                let frame =
                    switch seek {
                    case .before(let time): try store.frame(of: cluster, before: time)
                    case .after(let time): try store.frame(of: cluster, after: time)
                    case .at(let time): try store.frame(of: cluster, before: Timestamp(milliseconds: time.milliseconds + 1))
                    }
                mailbox.post(.event(.past(seek, .success(frame.flatMap { SessionHistory.snapshot($0) }))))
            } catch {
                mailbox.post(.event(.past(seek, .failure(ConsoleFailure("The history cannot be read: \(error.message).")))))
            }
        }
    }

    // MARK: On its own thread

    private func opened(at now: Timestamp) -> HistoryStore? {
        if let store = work.store { return store }
        if work.hasFailed { return nil }
        do throws(HistoryError) {
            let store = try HistoryStore(path: path, now: now)
            work.store = store
            if let aside = store.movedAside {
                mailbox.post(.event(.notice(Notice(.warning, "The history was damaged, and is now \(aside). A new one is begun."))))
            }
            return store
        } catch {
            work.hasFailed = true
            mailbox.post(.event(.notice(Notice(.warning, "No history is kept: \(path): \(error.message)."))))
            return nil
        }
    }

    /// One failure is said, and then nothing more is written: a full disk must not be said every few seconds.
    private func attempt(_ body: () throws(HistoryError) -> Void) {
        do throws(HistoryError) {
            try body()
        } catch {
            work.hasFailed = true
            work.store = nil
            mailbox.post(.event(.notice(Notice(.warning, "The history ends here: \(error.message)."))))
        }
    }

    private func recall(_ cluster: String, _ store: HistoryStore, before now: Timestamp, _ recalled: (Recollection) -> Void) {
        attempt { () throws(HistoryError) in
            var out = Recollection()
            out.events = try store.events(of: cluster, until: now, limit: SessionHistory.recalledEvents).map(SessionHistory.event)
            // What was changed from elsewhere meanwhile stands in the audit.
            let others = work.audit.past(of: cluster)
            out.events += others.filter { other in !out.events.contains { AuditFollower.isSame(other, $0) } }
            out.events.sort { $0.time < $1.time }
            var time = Timestamp(milliseconds: now.milliseconds - SessionHistory.recalledMs)
            var partitions = 0
            while out.pictures.count < 200, let frame = try store.frame(of: cluster, after: time), frame.time < now {
                time = frame.time
                guard let picture = SessionHistory.snapshot(frame) else { continue }
                out.pictures.append(picture)
                partitions += picture.health.partitions
                // Where few can be held, they are spread over the time.
                let left = (SessionHistory.recalledPartitions - partitions) / max(1, picture.health.partitions)
                guard left > 0 else { break }
                let step = SessionHistory.recalledMs / Int64(left + 1)
                if left < 100 { time = Timestamp(milliseconds: time.milliseconds + step) }
            }
            recalled(out)
        }
    }

    private static func snapshot(_ frame: HistoryStore.Frame) -> ClusterSnapshot? {
        let limit = 256 << 20
        let body = (try? Codecs.system.decompress(.zstd, frame.body, limit: limit)) ?? frame.body
        return FrameCodec.decode(body)
    }

    static func event(_ event: HistoryStore.Event) -> ClusterEvent {
        ClusterEvent(
            time: event.time, kind: .recorded(what: event.what, object: event.object, detail: event.detail), inferredSince: event.since)
    }

    private static func row(_ event: ClusterEvent) -> HistoryStore.Event {
        let words = eventWords(event.kind)
        return HistoryStore.Event(
            time: event.time, since: event.inferredSince, what: words.what, object: words.object, detail: words.detail,
            line: EventExport.line(event, what: words.what, object: words.object, detail: words.detail))
    }
}
