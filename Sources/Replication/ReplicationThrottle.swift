import Primitives

/// How many bytes of throttled replicas may pass in a second (KIP-73): a bucket that fills at the rate and holds one second of it. What
/// passes may overdraw it, since a batch is never split; then nothing passes until the debt is paid. Rate 0 lets nothing pass at all.
package struct ReplicationThrottle: Equatable, Sendable {
    /// Bytes in a second; `Int64.max` sets no limit.
    package private(set) var rate: Int64 = .max
    private var level: Int64 = 0
    private var levelAt = Instant.zero

    package init() {}

    package var isLimited: Bool { rate < .max }

    package mutating func setRate(_ rate: Int64, now: Instant) {
        guard rate != self.rate else { return }
        refill(now)
        // A limit that begins, begins with a full second; one that changes keeps its debt, in bytes.
        level = self.rate == .max ? max(0, rate) : min(level, max(0, rate))
        self.rate = max(0, rate)
        levelAt = now
    }

    package mutating func isExceeded(now: Instant) -> Bool {
        guard isLimited else { return false }
        refill(now)
        return level <= 0
    }

    package mutating func record(_ bytes: Int, now: Instant) {
        guard isLimited else { return }
        refill(now)
        level -= Int64(bytes)
    }

    /// When something may pass again; `distantFuture` where the rate is 0.
    package func nextFree(now: Instant) -> Instant {
        guard isLimited, level <= 0 else { return now }
        guard rate > 0 else { return .distantFuture }
        return levelAt.adding(milliseconds: (1 - level) * 1000 / rate + 1)
    }

    private mutating func refill(_ now: Instant) {
        let elapsed = now.milliseconds(since: levelAt)
        guard isLimited, elapsed > 0 else { return }
        let (gain, overflow) = elapsed.multipliedReportingOverflow(by: rate)
        // Less than a byte's worth of time is left for the next look.
        guard overflow || gain >= 1000 || level >= rate else { return }
        level = overflow ? rate : min(rate, level + gain / 1000)
        levelAt = now
    }
}

/// `leader.` and `follower.replication.throttled.replicas` of one topic.
package struct ThrottledReplicas: Equatable, Sendable {
    package struct Members: Equatable, Sendable {
        private var isAll = false
        private var members: [(partition: Int32, broker: BrokerID)] = []

        /// `partition:broker` pairs, or `*`. What is neither was refused when it was set.
        package init(_ list: [String]) {
            for entry in list {
                if entry == "*" { isAll = true }
                let parts = entry.split(separator: ":")
                guard parts.count == 2, let partition = Int32(parts[0]), let broker = Int32(parts[1]) else { continue }
                members.append((partition, BrokerID(broker)))
            }
        }

        package var isEmpty: Bool { !isAll && members.isEmpty }
        package func contains(_ partition: Int32, _ broker: BrokerID) -> Bool {
            isAll || members.contains { $0.partition == partition && $0.broker == broker }
        }
        package static func == (a: Members, b: Members) -> Bool {
            a.isAll == b.isAll && a.members.elementsEqual(b.members) { $0 == $1 }
        }
    }

    /// Named by the leader's own id: Kafka's tools list each existing replica here, of which one serves.
    package var leaders: Members
    package var followers: Members
    package init(leaders: [String], followers: [String]) {
        self.leaders = Members(leaders)
        self.followers = Members(followers)
    }
    package var isEmpty: Bool { leaders.isEmpty && followers.isEmpty }
}
