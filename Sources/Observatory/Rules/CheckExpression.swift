import Primitives

/// What a cluster is to be like, as monitoring asks it: comparisons with `&&` between: `under-replicated == 0 && lag(billing) < 10k`.
///
/// A comparison is a quantity, one of `< <= > >= == !=`, and a number, which may have a unit: k, M, G, T (of 1024 for bytes, of 1000
/// otherwise) or %. Quantities of one thing have its name in parentheses.
package struct CheckExpression: Equatable, Sendable {
    package struct Problem: Error, Equatable, Sendable {
        package var message: String
        package init(_ message: String) { self.message = message }
    }

    package enum Quantity: String, CaseIterable, Sendable {
        case brokers
        case brokersDown = "brokers-down"
        case brokersFenced = "brokers-fenced"
        case controller
        case topics, partitions, offline
        case underReplicated = "under-replicated"
        case underMinISR = "under-min-isr"
        case atMinISR = "at-min-isr"
        case notPreferred = "not-preferred"
        case reassigning
        case throttles
        case groups, rebalancing, lag, members
        case disk
        case diskFree = "disk-free"

        /// Whose: nil where it is of the cluster only.
        package var subject: String? {
            switch self {
            case .lag: "GROUP or GROUP, TOPIC"
            case .members: "GROUP"
            case .disk, .diskFree: "BROKER"
            default: nil
            }
        }

        package var doc: String {
            switch self {
            case .brokers: "brokers that serve"
            case .brokersDown: "brokers that were seen and are away"
            case .brokersFenced: "brokers that are registered and not counted on"
            case .controller: "active controllers: 1, or 0 while there is none"
            case .topics: "topics, internal ones too"
            case .partitions: "partitions"
            case .offline: "partitions without a leader"
            case .underReplicated: "partitions with a replica that is not in sync"
            case .underMinISR: "partitions with fewer in sync than min.insync.replicas"
            case .atMinISR: "partitions with just as many in sync"
            case .notPreferred: "partitions led by another than the first of their replicas"
            case .reassigning: "partitions on their way to other brokers"
            case .throttles: "topics and brokers with a throttle left behind"
            case .groups: "consumer groups"
            case .rebalancing: "groups that are sharing out their partitions"
            case .lag: "messages not read yet: of a group, of its part of a topic, or of all"
            case .members: "members of a group"
            case .disk: "percent of the disk in use: of a broker, or the fullest"
            case .diskFree: "bytes free: on a broker, or where there are fewest"
            }
        }

        /// What has to be read to know it.
        package var screen: Interest.Screen {
            switch self {
            case .groups, .rebalancing, .lag, .members: .groups
            case .underMinISR, .atMinISR, .reassigning, .throttles: .partitions
            case .disk, .diskFree, .brokersFenced, .controller: .brokers
            default: .overview
            }
        }
    }

    package enum Operator: String, CaseIterable, Sendable {
        // The longer ones first: they begin like the shorter ones.
        case atMost = "<="
        case atLeast = ">="
        case equal = "=="
        case different = "!="
        case less = "<"
        case more = ">"

        func holds(_ a: Double, _ b: Double) -> Bool {
            switch self {
            case .less: a < b
            case .atMost: a <= b
            case .more: a > b
            case .atLeast: a >= b
            case .equal: a == b
            case .different: a != b
            }
        }
    }

    package struct Comparison: Equatable, Sendable {
        package var quantity: Quantity
        /// Names in the parentheses.
        package var names: [String]
        package var relation: Operator
        package var limit: Double
        /// As it was written, without blanks at its ends.
        package var text: String

        package var label: String { names.isEmpty ? quantity.rawValue : "\(quantity.rawValue)(\(names.joined(separator: ", ")))" }
    }

    package var comparisons: [Comparison]

    package init(_ text: String) throws(Problem) {
        comparisons = []
        var rest = Substring(text)
        while true {
            let (part, more) = CheckExpression.untilAnd(rest)
            comparisons.append(try CheckExpression.comparison(part))
            guard let more else { return }
            rest = more
        }
    }

    /// Up to the first `&&` outside parentheses: a group may be called anything.
    private static func untilAnd(_ text: Substring) -> (Substring, Substring?) {
        var depth = 0
        var at = text.startIndex
        while at < text.endIndex {
            switch text[at] {
            case "(": depth += 1
            case ")": depth = max(0, depth - 1)
            case "&" where depth == 0 && text[at...].hasPrefix("&&"): return (text[..<at], text[at...].dropFirst(2))
            default: break
            }
            at = text.index(after: at)
        }
        return (text, nil)
    }

    private static func comparison(_ text: Substring) throws(Problem) -> Comparison {
        let whole = trimmed(text)
        guard !whole.isEmpty else { throw Problem("a comparison is missing, such as under-replicated == 0") }
        let word = whole.prefix { $0 != "(" && $0 != " " && !"<>=!".contains($0) }
        guard let quantity = Quantity(rawValue: String(word)) else {
            let names = Quantity.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem("\"\(word)\" is nothing that can be checked; there are \(names)")
        }
        var rest = trimmed(whole.dropFirst(word.count))
        var names: [String] = []
        if rest.first == "(" {
            guard let close = rest.firstIndex(of: ")") else { throw Problem("\(word)(…: the parenthesis is not closed") }
            names = rest[rest.index(after: rest.startIndex)..<close].split(separator: ",").map { String(trimmed($0)) }
            rest = trimmed(rest[rest.index(after: close)...])
            guard quantity.subject != nil else { throw Problem("\(word) is of the cluster as a whole: nothing goes in parentheses") }
            guard !names.isEmpty, names.count <= (quantity == .lag ? 2 : 1), !names.contains("") else {
                throw Problem("\(word) takes \(quantity.subject ?? "nothing") in parentheses")
            }
        } else if quantity == .members {
            throw Problem("members is of a group: members(GROUP)")
        }
        guard let relation = Operator.allCases.first(where: { rest.hasPrefix($0.rawValue) }) else {
            throw Problem("after \(word) one of < <= > >= == != is wanted, and a number")
        }
        let figure = trimmed(rest.dropFirst(relation.rawValue.count))
        guard let limit = number(figure, quantity) else { throw Problem("\"\(figure)\" is not a number, such as 1000, 10k, 5G or 80%") }
        return Comparison(quantity: quantity, names: names, relation: relation, limit: limit, text: String(whole))
    }

    private static func number(_ text: Substring, _ quantity: Quantity) -> Double? {
        guard let last = text.last else { return nil }
        let base = quantity == .diskFree ? 1024.0 : 1000.0
        let units: [(Character, Double)] = [
            ("k", base), ("K", base), ("M", base * base), ("G", base * base * base), ("T", base * base * base * base), ("%", 1),
        ]
        if last == "%", quantity != .disk { return nil }
        guard let unit = units.first(where: { $0.0 == last }) else { return plain(text) }
        return plain(text.dropLast()).map { $0 * unit.1 }
    }

    /// Digits and a point: no infinities, no hexadecimals.
    private static func plain(_ text: Substring) -> Double? {
        guard !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber || $0 == "." || $0 == "-" }) else { return nil }
        return Double(String(text))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}

extension CheckExpression.Comparison {
    /// What it is now. `failure`: why that is not known; a phrase.
    package func value(in snapshot: ClusterSnapshot) -> Result<Double, CheckExpression.Problem> {
        func known(_ count: Int) -> Result<Double, CheckExpression.Problem> { .success(Double(count)) }
        func unknown(_ why: String) -> Result<Double, CheckExpression.Problem> { .failure(CheckExpression.Problem(why)) }
        guard snapshot.observations.metadata.time != nil else { return unknown("the cluster has not answered") }
        let health = snapshot.health
        switch quantity {
        case .brokers: return known(snapshot.brokers.values.count { $0.isAlive && !$0.isFenced })
        case .brokersDown: return known(health.brokersDown)
        case .brokersFenced: return known(health.brokersFenced)
        case .controller: return known(snapshot.controller == nil || snapshot.controller == BrokerID.none ? 0 : 1)
        case .topics: return known(snapshot.topics.count)
        case .partitions: return known(health.partitions)
        case .offline: return known(health.offlinePartitions)
        case .underReplicated: return known(health.underReplicatedPartitions)
        case .underMinISR: return known(health.underMinISRPartitions)
        case .atMinISR: return known(health.atMinISRPartitions)
        case .notPreferred: return known(health.leaderNotPreferred)
        case .reassigning: return known(health.reassigningPartitions)
        case .throttles: return known(health.leftoverThrottles)
        case .groups, .rebalancing:
            if let error = snapshot.observations.groups.error { return unknown(error) }
            return known(quantity == .groups ? health.groups : health.groupsRebalancing)
        case .lag, .members: return ofGroups(snapshot)
        case .disk, .diskFree: return ofDisks(snapshot)
        }
    }

    private func ofGroups(_ snapshot: ClusterSnapshot) -> Result<Double, CheckExpression.Problem> {
        if let error = snapshot.observations.groups.error { return .failure(.init(error)) }
        guard let name = names.first else { return .success(Double(snapshot.health.totalLag)) }
        guard let group = snapshot.group(name) else { return .failure(.init("there is no group \(name)")) }
        if let error = group.error { return .failure(.init(error)) }
        if quantity == .members { return .success(Double(group.members.count)) }
        let partitions = names.count > 1 ? group.partitions.filter { $0.partition.topic == names[1] } : group.partitions
        if partitions.isEmpty, names.count > 1 { return .failure(.init("group \(name) reads no topic \(names[1])")) }
        // A partition without a commit has no lag to tell; one whose end is not known would make it look better than it is.
        if let blind = partitions.first(where: { $0.committed != nil && $0.lag == nil }) {
            return .failure(.init("the lag of \(blind.partition) is not known\(blind.error.map { ": \($0)" } ?? "")"))
        }
        return .success(partitions.reduce(0) { $0 + Double($1.lag ?? 0) })
    }

    private func ofDisks(_ snapshot: ClusterSnapshot) -> Result<Double, CheckExpression.Problem> {
        var brokers = snapshot.brokers.values.filter(\.isAlive)
        if let name = names.first {
            brokers = brokers.filter { $0.id.description == name }
            if brokers.isEmpty { return .failure(.init("there is no broker \(name) that serves")) }
        }
        var worst: Double?
        for broker in brokers {
            guard let total = broker.disk?.totalBytes, let free = broker.disk?.usableBytes, total > 0 else {
                return .failure(.init("broker \(broker.id) does not tell how large its disk is"))
            }
            let value = quantity == .diskFree ? Double(free) : 100 * Double(total - free) / Double(total)
            worst = worst.map { quantity == .diskFree ? min($0, value) : max($0, value) } ?? value
        }
        return worst.map { .success($0) } ?? .failure(.init("no broker serves"))
    }

    /// Whether it holds; the failure says why that is not known.
    package func holds(in snapshot: ClusterSnapshot) -> Result<Bool, CheckExpression.Problem> {
        value(in: snapshot).map { relation.holds($0, limit) }
    }

    /// All that has to be read before it can be judged has been.
    package func isReadable(in snapshot: ClusterSnapshot) -> Bool {
        switch quantity.screen {
        case .groups:
            guard snapshot.observations.groups.time != nil || snapshot.observations.groups.error != nil else { return false }
            let groups = names.first.map { name in snapshot.group(name).map { [$0] } ?? [] } ?? snapshot.groups.values.map { $0 }
            return groups.allSatisfy { group in
                group.error != nil || !GroupSnapshot.readableTypes.contains(group.type)
                    || group.offsetsObservation.time != nil && group.partitions.allSatisfy { $0.end != nil || $0.error != nil }
            }
        case .partitions:
            return snapshot.observations.reassignments != Observation()
                && snapshot.topics.values.allSatisfy { $0.settingsObservation != Observation() }
        case .brokers:
            return snapshot.brokers.values.allSatisfy { !$0.isAlive || $0.disk != nil || $0.diskObservation.error != nil }
        default: return true
        }
    }
}
