import Primitives

/// What is wrong with one thing: one verdict, the numbers it stands on, and what to do next. A pure function of what has been observed.
package struct Diagnosis: Equatable, Sendable {
    package enum Severity: Int, Comparable, Sendable {
        case well, notice, warning, failure
        package static func < (a: Severity, b: Severity) -> Bool { a.rawValue < b.rawValue }
    }

    /// Something to do about it: a key of the console's, or a command of Kafka's, or both.
    package struct Step: Equatable, Sendable {
        package var text: String
        package var key: String
        package var command: String

        package init(_ text: String, key: String = "", command: String = "") { (self.text, self.key, self.command) = (text, key, command) }
    }

    /// One thing that is found: a sentence and its numbers.
    package struct Finding: Equatable, Sendable {
        package var cause: Cause
        package var severity: Severity
        package var sentence: String
        package var evidence: [String]
        package var steps: [Step]
        /// The partition it is about, where it is about one.
        package var partition: TopicPartition?

        package init(
            _ cause: Cause, _ severity: Severity, _ sentence: String, _ evidence: [String] = [], _ steps: [Step] = [],
            partition: TopicPartition? = nil
        ) {
            (self.cause, self.severity, self.sentence) = (cause, severity, sentence)
            (self.evidence, self.steps, self.partition) = (evidence, steps, partition)
        }
    }

    /// "group billing", "partition orders-3", "broker 2", "topic orders".
    package var subject: String
    /// The one that explains most first; never empty.
    package var findings: [Finding]

    package var verdict: Finding { findings[0] }

    /// Of several findings the graver leads; of equals the one that was looked for first, which is the one nearer to the root.
    init(_ subject: String, _ found: [Finding], else well: Finding) {
        self.subject = subject
        let ordered = found.enumerated().sorted {
            $0.element.severity == $1.element.severity ? $0.offset < $1.offset : $0.element.severity > $1.element.severity
        }
        findings = ordered.isEmpty ? [well] : ordered.map(\.element)
    }

    package enum Cause: String, CaseIterable, Sendable {
        case unknown
        // Groups.
        case coordinatorUnavailable = "coordinator unavailable"
        case leaderOffline = "leader offline"
        case recordsLost = "records lost"
        case dataLossNear = "unread records will be deleted"
        case openTransaction = "open transaction"
        case rebalanceStorm = "rebalance storm"
        case poisonRecord = "poison record"
        case noMembers = "no members"
        case nobodyOwns = "partition without an owner"
        case stalled
        case stopped
        case rewound
        case rebalancing
        case hotPartition = "hot partition"
        case lopsided = "lopsided assignment"
        case idleMembers = "idle members"
        case tooFewMembers = "too few members"
        case tooSlow = "slower than its producers"
        case catchingUp = "catching up"
        case behind
        case neverCommitted = "never committed"
        case watching
        case keepsUp = "keeps up"
        // Partitions and topics.
        case underMinISR = "under min ISR"
        case underReplicated = "under-replicated"
        case followerBehind = "follower behind"
        case reassigning
        case notPreferred = "leader not preferred"
        case throttleLeftBehind = "throttle left behind"
        case skewedWrites = "skewed writes"
        case readersBehind = "readers behind"
        // Brokers.
        case brokerGone = "broker gone"
        case brokerFenced = "broker fenced"
        case diskFailed = "disk failed"
        case diskFull = "disk nearly full"
        case leaderSkew = "leader skew"
        case slowBroker = "slow broker"
        case well
    }
}

/// Words for numbers in diagnoses; the same on every machine.
enum WhyText {
    static func count(_ value: Int64) -> String {
        let digits = String(value.magnitude)
        var out = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.utf8.count - index) % 3 == 0 { out += "," }
            out.append(digit)
        }
        return out
    }
    static func count(_ value: Int) -> String { count(Int64(value)) }

    static func rate(_ value: Double) -> String {
        if value > 0 && value < 0.1 { return "under 0.1/s" }
        if value >= 100 { return "\(count(clamped(value)))/s" }
        let tenths = clamped(value * 10)
        return tenths % 10 == 0 ? "\(tenths / 10)/s" : "\(tenths / 10).\(tenths % 10)/s"
    }

    /// "850 ms", "12 s", "3 min 20 s", "4 h 5 min", "3 days 2 h".
    static func duration(_ milliseconds: Int64) -> String {
        let ms = max(0, milliseconds)
        if ms < 1_000 { return "\(ms) ms" }
        let seconds = ms / 1_000
        func two(_ a: Int64, _ x: String, _ b: Int64, _ y: String) -> String { b == 0 ? "\(a) \(x)" : "\(a) \(x) \(b) \(y)" }
        if seconds < 60 { return "\(seconds) s" }
        if seconds < 3_600 { return two(seconds / 60, "min", seconds < 600 ? seconds % 60 : 0, "s") }
        if seconds < 86_400 { return two(seconds / 3_600, "h", seconds / 60 % 60, "min") }
        return two(seconds / 86_400, seconds < 172_800 ? "day" : "days", seconds / 3_600 % 24, "h")
    }

    static func plural(_ count: Int) -> String { count == 1 ? "" : "s" }
    static func ids(_ brokers: [BrokerID]) -> String { brokers.map(\.description).joined(separator: ", ") }
    static func percent(_ part: Double) -> String { "\(clamped(part * 100))%" }

    /// "12 s", "about 12 s", "more than 12 s".
    static func age(_ lag: TimeLag) -> String {
        switch lag.kind {
        case .exact: duration(lag.milliseconds)
        case .interpolated: "about \(duration(lag.milliseconds))"
        case .atLeast: "more than \(duration(lag.milliseconds))"
        }
    }
}
