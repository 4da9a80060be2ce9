import Primitives

extension ClusterEvent {
    /// Whether an event that was inferred tells again what the engine itself has told: the same thing happened to the same object, in or
    /// shortly before the window of the inferred one.
    func repeats(_ told: ClusterEvent) -> Bool {
        guard let inferredSince, told.inferredSince == nil else { return false }
        guard told.time.milliseconds >= inferredSince.milliseconds - ClusterEvent.slackMs, told.time <= time else { return false }
        return subject == told.subject
    }

    /// The engine's clock and the observer's readings need not agree to the millisecond, and a broker applies metadata a moment later.
    private static let slackMs: Int64 = 3_000

    /// What happened to what, without the details in which an outside view may differ.
    private var subject: [String] {
        switch kind {
        // The engine tells every step of a group's life; none of them needs guessing beside it.
        case .rebalance(let event): ["rebalance", event.group]
        case .groupDeleted(let group): ["groupDeleted", group]
        case .offsetsReset(let group, _): ["offsetsReset", group]
        case .topicCreated(let topic, _, _): ["topicCreated", topic]
        case .topicDeleted(let topic): ["topicDeleted", topic]
        case .partitionsAdded(let topic, _, _): ["partitionsAdded", topic]
        case .recordsDeleted(let partition, _): ["recordsDeleted", partition.description]
        case .configChanged(let resource, let key, _, _): ["configChanged", resource, key]
        // From outside a fenced broker and one that is gone look the same.
        case .brokerUp(let broker, _), .brokerUnfenced(let broker, _): ["brokerUp", broker.description]
        case .brokerDown(let broker, _), .brokerFenced(let broker, _, _): ["brokerDown", broker.description]
        case .controllerChanged(_, let to, _): ["controllerChanged", to.description]
        case .leaderChanged(let partition, _, let to, _, _): ["leaderChanged", partition.description, to?.description ?? ""]
        case .inSyncReplicasChanged(let partition, _, let to, _, _, _):
            ["isr", partition.description] + to.sorted().map(\.description)
        case .reassignmentStarted(let partition, _, _): ["reassignmentStarted", partition.description]
        case .reassignmentEnded(let partition, _, _): ["reassignmentEnded", partition.description]
        case .logTruncated(let partition, let broker, _, _): ["truncated", partition.description, broker.description]
        case .logDamaged(let partition, let broker, let from, _, let outcome):
            ["damaged", partition.description, broker.description, from.description, "\(outcome)"]
        case .chaos(let broker, let action): ["chaos", broker.description, action.description]
        case .lagVerdict(let group, _, let to, _, _): ["lagVerdict", group, to]
        case .accessChanged(let principal, let rule, let isAdded): ["access", principal, rule, "\(isAdded)"]
        case .quotaChanged(let entity, let key, _, let to): ["quota", entity, key, to ?? ""]
        case .userChanged(let user, let mechanism, let isAdded): ["user", user, mechanism, "\(isAdded)"]
        case .ownAction(let title, let outcome, _): ["ownAction", title, outcome]
        case .recorded(let what, let object, let detail): ["recorded", what, object, detail]
        case .disk(let broker, let message): ["disk", broker.description, message]
        case .compacted(let partition, let broker, _, _): ["compacted", partition.description, broker.description]
        }
    }
}
