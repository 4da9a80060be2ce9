import Glibc
import Primitives

/// What was seen of clusters, on disk: pictures of them (opaque bytes, compressed) and events, each under the cluster's id. One file for
/// all. Belongs to one thread, which is not the one that draws.
///
/// Bounded three ways: pictures grow sparser with age and go after `keepMs`; when the file has more than `bytesMax` the oldest go; of
/// events the last `eventsMax` stay. A file that is no database, or a damaged one, is moved aside and a new one begun.
package final class HistoryStore {
    package struct Frame: Equatable, Sendable {
        package var time: Timestamp
        package var body: Bytes
    }

    /// An event in words, with the line that an export writes.
    package struct Event: Equatable, Sendable {
        package var time: Timestamp
        /// For an inferred event, the beginning of its window.
        package var since: Timestamp?
        package var what: String
        package var object: String
        package var detail: String
        package var line: String

        package init(time: Timestamp, since: Timestamp?, what: String, object: String, detail: String, line: String) {
            (self.time, self.since, self.what, self.object, self.detail, self.line) = (time, since, what, object, detail, line)
        }
    }

    package static let bytesMax: Int64 = 128 << 20
    package static let eventsMax: Int64 = 50_000
    /// Pictures of the last hour all stay; of the last day one a minute; of the rest one in ten minutes.
    static let fullMs: Int64 = 3_600_000
    static let minuteMs: Int64 = 86_400_000
    static let keepMs: Int64 = 14 * 86_400_000
    /// So many pictures are written between two times of tidying up.
    static let tidyEvery = 50

    private let database: Database
    private let bytesMax: Int64
    private var written = 0
    /// Where a damaged file went; nil where there was none.
    package let movedAside: String?

    /// Opens or makes the file and its directory.
    package init(path: String, now: Timestamp, bytesMax: Int64 = HistoryStore.bytesMax) throws(HistoryError) {
        self.bytesMax = bytesMax
        HistoryStore.makeDirectories(for: path)
        do throws(HistoryError) {
            database = try HistoryStore.open(path)
            movedAside = nil
        } catch {
            guard error.isDamage else { throw error }
            let aside = "\(path).damaged-\(now.milliseconds / 1000)"
            guard rename(path, aside) == 0 else { throw error }
            // What SQLite keeps beside a database belongs to the damaged one.
            for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
            database = try HistoryStore.open(path)
            movedAside = aside
        }
    }

    private static func open(_ path: String) throws(HistoryError) -> Database {
        let database = try Database(path: path)
        // Readers and one writer at a time, and no wait for the disk: what a power cut takes is seconds of history.
        try database.run("PRAGMA journal_mode=WAL")
        try database.run("PRAGMA synchronous=NORMAL")
        try database.run("PRAGMA auto_vacuum=INCREMENTAL")
        // A whole look through takes long on a large file; the schema and its root pages are looked at by these.
        try database.run(
            "CREATE TABLE IF NOT EXISTS frames (id INTEGER PRIMARY KEY, cluster TEXT NOT NULL, time INTEGER NOT NULL,"
                + " body BLOB NOT NULL)")
        try database.run("CREATE INDEX IF NOT EXISTS frames_by_time ON frames (cluster, time)")
        try database.run(
            "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, cluster TEXT NOT NULL, time INTEGER NOT NULL, since INTEGER, "
                + "what TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL, line TEXT NOT NULL)")
        try database.run("CREATE INDEX IF NOT EXISTS events_by_time ON events (cluster, time)")
        try database.run("SELECT max(time) FROM frames")
        return database
    }

    private static func makeDirectories(for path: String) {
        var at = path.startIndex
        while let slash = path[path.index(after: at)...].firstIndex(of: "/") {
            mkdir(String(path[..<slash]), 0o700)
            at = slash
        }
    }

    // MARK: Writing

    package func save(_ body: Bytes, of cluster: String, at time: Timestamp) throws(HistoryError) {
        try database.run(
            "INSERT INTO frames (cluster, time, body) VALUES (?, ?, ?)", [.text(cluster), .integer(time.milliseconds), .blob(body)])
        written += 1
        if written % HistoryStore.tidyEvery == 0 { try tidy(now: time) }
    }

    package func save(_ events: [Event], of cluster: String) throws(HistoryError) {
        try database.run("BEGIN")
        do throws(HistoryError) {
            for event in events {
                try database.run(
                    "INSERT INTO events (cluster, time, since, what, object, detail, line) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [
                        .text(cluster), .integer(event.time.milliseconds), event.since.map { .integer($0.milliseconds) } ?? .null,
                        .text(event.what),
                        .text(event.object), .text(event.detail), .text(event.line),
                    ])
            }
            try database.run("COMMIT")
        } catch {
            _ = try? database.run("ROLLBACK")
            throw error
        }
    }

    /// Thins, and keeps within bounds.
    package func tidy(now: Timestamp) throws(HistoryError) {
        try database.run("DELETE FROM frames WHERE time < ?", [.integer(now.milliseconds - HistoryStore.keepMs)])
        try thin(older: now.milliseconds - HistoryStore.fullMs, to: 60_000)
        try thin(older: now.milliseconds - HistoryStore.minuteMs, to: 600_000)
        try database.run("DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", [.integer(HistoryStore.eventsMax)])
        while try size() > bytesMax, try count() > 1 {
            try database.run(
                "DELETE FROM frames WHERE id IN (SELECT id FROM frames ORDER BY time LIMIT max(1, (SELECT count(*)"
                    + " FROM frames) / 10))")
        }
        try database.run("PRAGMA incremental_vacuum")
    }

    /// One picture of a cluster for each span of time: its first.
    private func thin(older: Int64, to span: Int64) throws(HistoryError) {
        try database.run(
            "DELETE FROM frames WHERE time < ?1 AND id NOT IN (SELECT min(id) FROM frames WHERE time < ?1 GROUP BY cluster, time / ?2)",
            [.integer(older), .integer(span)])
    }

    /// Bytes in use, without pages that are free.
    package func size() throws(HistoryError) -> Int64 {
        func pragma(_ name: String) throws(HistoryError) -> Int64 { try database.run("PRAGMA \(name)").first?.first?.integer ?? 0 }
        return (try pragma("page_count") - (try pragma("freelist_count"))) * (try pragma("page_size"))
    }

    package func count() throws(HistoryError) -> Int64 { try database.run("SELECT count(*) FROM frames").first?.first?.integer ?? 0 }

    // MARK: Reading

    /// The last picture before a time.
    package func frame(of cluster: String, before time: Timestamp) throws(HistoryError) -> Frame? {
        try frame("SELECT time, body FROM frames WHERE cluster = ? AND time < ? ORDER BY time DESC LIMIT 1", cluster, time)
    }

    /// The first picture after a time.
    package func frame(of cluster: String, after time: Timestamp) throws(HistoryError) -> Frame? {
        try frame("SELECT time, body FROM frames WHERE cluster = ? AND time > ? ORDER BY time LIMIT 1", cluster, time)
    }

    private func frame(_ sql: String, _ cluster: String, _ time: Timestamp) throws(HistoryError) -> Frame? {
        guard let row = try database.run(sql, [.text(cluster), .integer(time.milliseconds)]).first, row.count == 2, let at = row[0].integer,
            let body = row[1].blob
        else { return nil }
        return Frame(time: Timestamp(milliseconds: at), body: body)
    }

    /// The last events up to a time, oldest first.
    package func events(of cluster: String, until time: Timestamp, limit: Int) throws(HistoryError) -> [Event] {
        let rows = try database.run(
            "SELECT time, since, what, object, detail, line FROM events WHERE cluster = ? AND time <= ? ORDER BY time DESC, id"
                + " DESC LIMIT ?",
            [.text(cluster), .integer(time.milliseconds), .integer(Int64(limit))])
        return rows.reversed().compactMap { row in
            guard row.count == 6, let time = row[0].integer, let what = row[2].text, let object = row[3].text, let detail = row[4].text,
                let line = row[5].text
            else { return nil }
            let since = row[1].integer.map { Timestamp(milliseconds: $0) }
            return Event(time: Timestamp(milliseconds: time), since: since, what: what, object: object, detail: detail, line: line)
        }
    }
}
