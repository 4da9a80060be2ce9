import Primitives

/// What somebody wants to be told of while the console is open: a condition that comes true, or something that happens.
package struct AlertRule: Equatable, Sendable {
    package enum Cause: Equatable, Sendable {
        /// Holds, and has held for so many milliseconds: told when it begins, and with `resolved` when it ends.
        case condition(CheckExpression, forMs: Int64, resolved: Bool)
        /// Happens, to an object that matches the pattern (`*` for anything, also within a word); nil: to any.
        case happening([AlertTrigger], of: String?)
    }
    /// How somebody is told.
    package enum Means: String, CaseIterable, Sendable {
        /// The terminal's bell.
        case bell
        /// A notification of the desktop's, by the terminal (OSC 9).
        case notify
    }

    package var name: String
    package var cause: Cause
    package var means: [Means]
    /// A program's words, run as they are; nil: none. What happened is in its environment only.
    package var hook: [String]?

    package init(name: String, cause: Cause, means: [Means], hook: [String]? = nil) {
        (self.name, self.cause, self.means, self.hook) = (name, cause, means, hook)
    }

    /// As somebody would say it: the condition, or what happens to what.
    package var text: String {
        switch cause {
        case .condition(let expression, let forMs, _):
            expression.comparisons.map(\.text).joined(separator: " && ") + (forMs > 0 ? " for \(forMs / 1000) s" : "")
        case .happening(let triggers, let pattern):
            triggers.map(\.rawValue).joined(separator: ", ") + (pattern.map { " of \($0)" } ?? "")
        }
    }

    /// What has to be read though it is not on the screen.
    package var needs: [Interest.Screen] {
        switch cause {
        case .condition(let expression, _, _): expression.comparisons.map(\.quantity.screen)
        case .happening(let triggers, _): triggers.map(\.screen)
        }
    }
}

/// Kinds of what happens, by the names that a settings file has for them.
package enum AlertTrigger: String, CaseIterable, Sendable {
    case disconnected
    case connected
    case brokerDown = "broker-down"
    case brokerUp = "broker-up"
    case controller
    case leaderChanged = "leader-changed"
    case leaderless
    case isrShrunk = "isr-shrunk"
    case isrGrown = "isr-grown"
    case lagTrouble = "lag-trouble"
    case lagWell = "lag-well"
    case rebalance
    case groupDeleted = "group-deleted"
    case offsetsReset = "offsets-reset"
    case topicCreated = "topic-created"
    case topicDeleted = "topic-deleted"
    case recordsDeleted = "records-deleted"
    case configChanged = "config-changed"
    case disk
    case rot

    package var doc: String {
        switch self {
        case .disconnected: "the cluster cannot be reached any more"
        case .connected: "it can be reached again"
        case .brokerDown: "a broker is gone, or fenced"
        case .brokerUp: "a broker is back"
        case .controller: "another controller is active"
        case .leaderChanged: "a partition has another leader, or none"
        case .leaderless: "a partition has no leader any more"
        case .isrShrunk: "a replica fell out of sync"
        case .isrGrown: "a replica is in sync again"
        case .lagTrouble: "a group's verdict turned bad: growing, stalled, stopped, rewound, lost"
        case .lagWell: "a group's verdict turned good again"
        case .rebalance: "a group shares out its partitions anew"
        case .groupDeleted: "a group was deleted"
        case .offsetsReset: "a group's offsets were set back"
        case .topicCreated: "a topic was created"
        case .topicDeleted: "a topic was deleted"
        case .recordsDeleted: "records were deleted before their time"
        case .configChanged: "a config that is on the screen changed"
        case .disk: "a broker says that its disk fails"
        case .rot: "a replica's bytes are not what was written"
        }
    }

    var screen: Interest.Screen {
        switch self {
        case .lagTrouble, .lagWell, .rebalance, .groupDeleted, .offsetsReset: .groups
        case .controller: .brokers
        default: .overview
        }
    }

    func isMet(by kind: ClusterEvent.Kind) -> Bool {
        switch (self, kind) {
        case (.brokerDown, .brokerDown), (.brokerDown, .brokerFenced), (.brokerUp, .brokerUp), (.brokerUp, .brokerUnfenced): true
        case (.controller, .controllerChanged), (.leaderChanged, .leaderChanged): true
        case (.leaderless, .leaderChanged(_, _, let to, _, _)): to == nil
        case (.isrShrunk, .inSyncReplicasChanged(_, let from, let to, _, _, _)): to.count < from.count
        case (.isrGrown, .inSyncReplicasChanged(_, let from, let to, _, _, _)): to.count > from.count
        case (.lagTrouble, .lagVerdict(_, _, _, let isTrouble, _)): isTrouble
        case (.lagWell, .lagVerdict(_, _, _, let isTrouble, _)): !isTrouble
        case (.rebalance, .rebalance(let event)): event.step == .started
        case (.groupDeleted, .groupDeleted), (.offsetsReset, .offsetsReset), (.topicCreated, .topicCreated): true
        case (.topicDeleted, .topicDeleted), (.recordsDeleted, .recordsDeleted), (.configChanged, .configChanged): true
        case (.disk, .disk), (.rot, .logDamaged): true
        default: false
        }
    }
}

extension ClusterEvent.Kind {
    /// The name of what it happened to, as a pattern of an alert is held against it.
    var alertObject: String {
        switch self {
        case .rebalance(let event): event.group
        case .groupDeleted(let group), .offsetsReset(let group, _), .lagVerdict(let group, _, _, _, _): group
        case .topicCreated(let topic, _, _), .topicDeleted(let topic), .partitionsAdded(let topic, _, _): topic
        case .recordsDeleted(let partition, _), .leaderChanged(let partition, _, _, _, _): partition.topic
        case .inSyncReplicasChanged(let partition, _, _, _, _, _), .logDamaged(let partition, _, _, _, _): partition.topic
        case .configChanged(let resource, _, _, _): resource
        case .brokerUp(let broker, _), .brokerDown(let broker, _), .brokerFenced(let broker, _, _): broker.description
        case .brokerUnfenced(let broker, _), .disk(let broker, _), .controllerChanged(_, let broker, _): broker.description
        default: ""
        }
    }
}

/// Whether a name matches a pattern in which `*` stands for any text, none too. Takes time in proportion to the two lengths' product.
package func matchesStars(_ name: String, _ pattern: String) -> Bool {
    let parts = pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
    let bytes = Array(name.utf8)
    guard parts.count > 1 else { return bytes == parts[0] }
    guard bytes.count >= parts[0].count + parts[parts.count - 1].count, bytes.starts(with: parts[0]) else { return false }
    let end = bytes.count - parts[parts.count - 1].count
    guard Array(bytes[end...]) == parts[parts.count - 1] else { return false }
    var at = parts[0].count
    for part in parts[1..<(parts.count - 1)] where !part.isEmpty {
        while at + part.count <= end, Array(bytes[at..<(at + part.count)]) != part { at += 1 }
        guard at + part.count <= end else { return false }
        at += part.count
    }
    return true
}
