import Primitives

/// Something somebody wanted to be told of.
package struct Alert: Equatable, Sendable {
    package enum State: String, Equatable, Sendable {
        /// A condition began to hold, or ended.
        case firing, resolved
        /// Something happened.
        case event
    }
    /// The rule's place in the book.
    package var rule: Int
    package var state: State
    /// Comparisons that were judged, with their values; of a condition.
    package var values: [Value] = []
    /// The first of what happened since the last alert of this rule, and how many there were.
    package var event: ClusterEvent?
    package var count = 1
    /// The cluster was lost or found again, where that is what happened; a phrase.
    package var connection: String?

    package struct Value: Equatable, Sendable {
        package var label: String
        package var value: Double
    }
}

/// Which alerts there are when a picture comes: each once per change, never once per picture. Pure; the clock is handed in.
///
/// A condition is judged at the end of each round of reading. What cannot be known leaves it as it was. It fires when it comes to hold,
/// also in the first picture that can be judged; then not again before it ceased to hold. What happens is told at once, and what follows
/// within `gapMs` together at the end of that time, so that ten thousand partitions that lose a replica are two alerts and no more.
package struct AlertBook: Equatable, Sendable {
    package static let gapMs: Int64 = 5_000

    private struct Entry: Equatable, Sendable {
        /// Since when the condition holds; nil while it does not.
        var holdsSince: Instant?
        var isFiring = false
        /// The last judgement came to an end; nil before the first.
        var isKnown: Bool?
        var isMuted = false
        var told = 0
        var lastTold: Instant?
        var first: Alert?
        var count = 0
        var quietUntil = Instant.zero
    }

    package let rules: [AlertRule]
    private var entries: [Entry]
    /// Events seen so far, those recalled left out; nil before the first picture.
    private var seen: Int?
    private var wasConnected: Bool?

    package init(_ rules: [AlertRule]) {
        self.rules = rules
        entries = Array(repeating: Entry(), count: rules.count)
    }

    /// How a rule stands.
    package struct Status: Equatable, Sendable {
        package enum State: Equatable, Sendable {
            /// A condition holds and was told; holds, and not long enough yet; does not hold; could not be judged.
            case firing, holding, quiet, unknown
        }
        package var state: State
        /// Milliseconds since the condition has held.
        package var heldMs: Int64?
        /// Alerts so far, and milliseconds since the last.
        package var told: Int
        package var lastMs: Int64?
        package var isMuted: Bool
    }

    package func status(of index: Int, at now: Instant) -> Status {
        let entry = entries[index]
        var state = Status.State.quiet
        if case .condition = rules[index].cause {
            state = entry.isKnown != true ? .unknown : entry.isFiring ? .firing : entry.holdsSince != nil ? .holding : .quiet
        }
        return Status(
            state: state, heldMs: entry.holdsSince.map { now.milliseconds(since: $0) }, told: entry.told,
            lastMs: entry.lastTold.map { now.milliseconds(since: $0) }, isMuted: entry.isMuted)
    }

    /// A rule that is muted is watched on, and tells nobody.
    package mutating func toggleMute(_ index: Int) { entries[index].isMuted.toggle() }

    /// What has to be read for the rules' sake, each once.
    package var needs: [Interest.Screen] {
        var out: [Interest.Screen] = []
        for need in rules.flatMap(\.needs) where need != .overview && !out.contains(need) { out.append(need) }
        return out
    }

    /// When held-back alerts are due; nil where there are none.
    package var nextDeadline: Instant? { entries.filter { $0.count > 0 }.map(\.quietUntil).min() }

    /// Another cluster: nothing of the one before counts.
    package mutating func forget() {
        let muted = entries.map(\.isMuted)
        self = AlertBook(rules)
        for index in entries.indices { entries[index].isMuted = muted[index] }
    }

    package mutating func take(_ snapshot: ClusterSnapshot, now: Instant) -> [Alert] {
        guard !rules.isEmpty else { return [] }
        var out: [Alert] = []
        collect(snapshot)
        if snapshot.cost.inFlight == 0, snapshot.connection.isConnected {
            for index in rules.indices {
                guard case .condition(let expression, let forMs, let resolved) = rules[index].cause else { continue }
                if let alert = judge(index, expression, forMs, resolved, snapshot, now) { out.append(alert) }
            }
        }
        return told(out, now) + due(now: now)
    }

    /// Without those of muted rules; the others are counted.
    private mutating func told(_ alerts: [Alert], _ now: Instant) -> [Alert] {
        let heard = alerts.filter { !entries[$0.rule].isMuted }
        for alert in heard {
            entries[alert.rule].told += 1
            entries[alert.rule].lastTold = now
        }
        return heard
    }

    /// What was held back and is due now.
    package mutating func due(now: Instant) -> [Alert] {
        var out: [Alert] = []
        for index in entries.indices {
            guard var alert = entries[index].first, entries[index].quietUntil <= now else { continue }
            alert.count = entries[index].count
            out.append(alert)
            (entries[index].first, entries[index].count) = (nil, 0)
            entries[index].quietUntil = now.adding(milliseconds: AlertBook.gapMs)
        }
        return told(out, now)
    }

    // MARK: Conditions

    private mutating func judge(
        _ index: Int, _ expression: CheckExpression, _ forMs: Int64, _ resolved: Bool, _ snapshot: ClusterSnapshot, _ now: Instant
    ) -> Alert? {
        var holds = true
        var values: [Alert.Value] = []
        for comparison in expression.comparisons {
            guard comparison.isReadable(in: snapshot), case .success(let value) = comparison.value(in: snapshot) else {
                entries[index].isKnown = false
                return nil
            }
            values.append(Alert.Value(label: comparison.label, value: value))
            holds = holds && comparison.relation.holds(value, comparison.limit)
        }
        entries[index].isKnown = true
        guard holds else {
            entries[index].holdsSince = nil
            guard entries[index].isFiring else { return nil }
            entries[index].isFiring = false
            return resolved ? Alert(rule: index, state: .resolved, values: values) : nil
        }
        let since = entries[index].holdsSince ?? now
        entries[index].holdsSince = since
        guard !entries[index].isFiring, now.milliseconds(since: since) >= forMs else { return nil }
        entries[index].isFiring = true
        return Alert(rule: index, state: .firing, values: values)
    }

    // MARK: What happens

    private mutating func collect(_ snapshot: ClusterSnapshot) {
        let count = snapshot.eventCount - snapshot.recalledEvents
        let fresh = max(0, min(count - (seen ?? count), snapshot.events.count))
        seen = count
        for event in snapshot.events.suffix(fresh) { note(event) }
        guard snapshot.connection.isConnected || snapshot.connection.isLost else { return }
        let isConnected = snapshot.connection.isConnected
        if let wasConnected, wasConnected != isConnected { note(snapshot.connection) }
        wasConnected = isConnected
    }

    private mutating func note(_ event: ClusterEvent) {
        for index in rules.indices {
            guard case .happening(let triggers, let pattern) = rules[index].cause else { continue }
            guard triggers.contains(where: { $0.isMet(by: event.kind) }) else { continue }
            if let pattern, !matchesStars(event.kind.alertObject, pattern) { continue }
            add(Alert(rule: index, state: .event, event: event))
        }
    }

    private mutating func note(_ connection: ConnectionState) {
        for index in rules.indices {
            guard case .happening(let triggers, nil) = rules[index].cause else { continue }
            guard triggers.contains(connection.isConnected ? .connected : .disconnected) else { continue }
            add(Alert(rule: index, state: .event, connection: connection.text))
        }
    }

    private mutating func add(_ alert: Alert) {
        if entries[alert.rule].first == nil { entries[alert.rule].first = alert }
        entries[alert.rule].count += 1
    }
}

extension ConnectionState {
    var isLost: Bool { if case .disconnected = self { true } else { false } }
}
