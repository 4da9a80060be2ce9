import Client
import ClientCore
import Observatory
import Primitives
import Reactor

/// Reads back what the groups of a cluster have lived through, from the newest records of `__consumer_offsets`. No group is joined and
/// nothing committed. Bounded, so that a look at a timeline never becomes a scan: so many records, the newest of each partition, so many
/// bytes, so long.
enum GroupLogReader {
    /// Shared out among the partitions that have any; each has its fair part, and never fewer than the least.
    static let recordsMax: Int64 = 25_000
    static let recordsLeast: Int64 = 200
    static let bytesMax = 8 << 20
    static let timeoutMs: Int64 = 15_000

    struct Reading: Sendable {
        var log = GroupLog()
        /// Why not all of it was read; nil where it was.
        var problem: String?
    }

    /// Blocks for as long as it takes; for a thread of its own. `isWanted` false ends it.
    static func read(_ client: ClusterClient, isWanted: @Sendable () -> Bool = { true }) -> Reading {
        let deadline = SystemClock.instant().adding(milliseconds: timeoutMs)
        let (used, problem) = partitionsInUse(client, isWanted, deadline)
        guard used > 0 else { return Reading(problem: problem) }
        var options = ReaderOptions(topics: [GroupLog.topic], start: .last(max(recordsLeast, recordsMax / used)), stop: .atEnd)
        options.fetchBytesMax = 1 << 20
        options.partitionBytesMax = 256 << 10
        options.bufferedBytesMax = 2 << 20
        options.waitMs = 50
        let reader = TopicReader(client, options)
        defer { reader.stop() }
        var reading = Reading()
        var bytesRead = 0
        while isWanted(), SystemClock.instant() < deadline {
            switch reader.next(timeoutMs: 250) {
            case .nothingYet: continue
            case .finished, .output(.caughtUp): return reading
            case .output(.records(let records, let bytes, _)):
                for record in records { reading.log.take(record) }
                bytesRead += bytes
                if bytesRead > bytesMax {
                    reading.problem = "there is more than is read"
                    return reading
                }
            case .output(.failed(nil, let error)):
                reading.problem = "\(error)"
                return reading
            case .output(.failed(_, let error)): reading.problem = reading.problem ?? "\(error)"
            case .output: continue
            }
        }
        reading.problem = reading.problem ?? "it took too long"
        return reading
    }

    /// Partitions that anything was ever written to.
    private static func partitionsInUse(
        _ client: ClusterClient, _ isWanted: @Sendable () -> Bool, _ deadline: Instant
    ) -> (Int64, problem: String?) {
        let reader = TopicReader(client, ReaderOptions(topics: [GroupLog.topic], start: .latest))
        defer { reader.stop() }
        while isWanted(), SystemClock.instant() < deadline {
            switch reader.next(timeoutMs: 250) {
            case .output(.started(let positions)): return (Int64(positions.count { $0.end.rawValue > 0 }), nil)
            case .output(.failed(nil, let error)): return (0, "\(error)")
            case .finished: return (0, nil)
            default: continue
            }
        }
        return (0, "it took too long")
    }
}

extension GroupLogReader.Reading {
    /// What is remembered of it: the events, and before them how far back it goes.
    func events(at now: Timestamp) -> [ClusterEvent] {
        let reach = ClusterEvent.Kind.recorded(what: "read back", object: GroupLog.topic, detail: detail)
        return [ClusterEvent(time: log.since ?? now, kind: reach)] + log.events
    }

    private var detail: String {
        let count = log.records == 1 ? "1 record" : "\(log.records) records"
        return "rebalances from here on, by \(count) of the groups' own log" + (problem.map { "; not all: \($0)" } ?? "")
    }
}
