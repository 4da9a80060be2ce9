import Grid
import Observatory
import Primitives

/// The timeline, newest first.
func eventRows(_ snapshot: ClusterSnapshot) -> TableModel {
    let columns = [
        Column("TIME", min: 8, max: 23), Column("WHAT", min: 9, max: 18), Column("ON", min: 10, max: 60, priority: 1),
        Column("DETAIL", min: 20, max: 160, grows: true),
    ]
    let first = snapshot.eventCount - snapshot.events.count
    let today = CivilTime(snapshot.time).date
    var rows: [TableRow] = []
    for (index, event) in snapshot.events.enumerated().reversed() {
        let words = eventWords(event.kind)
        rows.append(
            TableRow(
                String(first + index),
                [
                    CellValue(eventTime(event, today: today), .muted, key: .number(-Double(first + index))),
                    CellValue(words.what, words.scope),
                    CellValue(words.object), CellValue(words.detail),
                ],
                isFault: words.scope == .failure || words.scope == .warning, target: words.target ?? .describe(.event(first + index))))
    }
    var model = TableModel(
        title: "Events", subject: "newest first", columns: columns, rows: rows,
        emptyLines: [
            "Nothing has happened since this console looked.", "", "Rebalances, topics, configs and brokers will show here as they change.",
        ])
    model.growsAtTop = true
    return model
}

/// The time of day, with the date where it is not today's. An inferred event says so by a tilde: it happened some time before.
func eventTime(_ event: ClusterEvent, today: String) -> String {
    let time = CivilTime(event.time)
    let clock = (event.inferredSince == nil ? "" : "~") + time.clock
    return time.date == today ? clock : time.date.dropFirst(5) + " " + clock.dropLast(3)
}

package struct EventWords: Equatable, Sendable {
    package var what: String
    package var object: String
    package var detail: String
    package var scope: Scope
    /// Where its object can be seen.
    package var target: Place?

    init(_ what: String, _ object: String, _ detail: String, _ scope: Scope, _ target: Place? = nil) {
        self.what = what
        self.object = object
        self.detail = detail
        self.scope = scope
        self.target = target
    }
}

package func eventWords(_ kind: ClusterEvent.Kind) -> EventWords {
    switch kind {
    case .rebalance(let event): return rebalanceWords(event)
    case .groupDeleted(let group): return EventWords("group deleted", group, "", .doomed)
    case .offsetsReset(let group, let partitions):
        return EventWords("offsets reset", group, "\(partitions) partition\(plural(partitions))", .pending, .group(group))
    case .topicCreated(let topic, let partitions, let factor):
        let detail = "\(partitions) partition\(plural(Int(partitions))), replication factor \(factor)"
        return EventWords("topic created", topic, detail, .fresh, .topic(topic))
    case .topicDeleted(let topic): return EventWords("topic deleted", topic, "", .doomed)
    case .partitionsAdded(let topic, let from, let to):
        return EventWords("partitions added", topic, "\(from) → \(to)", .fresh, .topic(topic))
    case .recordsDeleted(let partition, let before):
        return EventWords("records deleted", partition.description, "before offset \(before)", .doomed, .topic(partition.topic))
    case .configChanged(let resource, let key, let from, let to):
        return EventWords("config changed", resource, "\(key): \(from ?? "not set") → \(to ?? "not set")", .pending)
    case .brokerUp(let broker, let address): return EventWords("broker up", "broker \(broker)", address, .good, .brokers)
    case .brokerDown(let broker, let reason): return EventWords("broker down", "broker \(broker)", reason, .failure, .brokers)
    case .brokerFenced(let broker, let epoch, let cause):
        return EventWords("broker fenced", "broker \(broker)", join([cause, "broker epoch \(epoch)"]), .failure, .brokers)
    case .brokerUnfenced(let broker, let epoch):
        return EventWords("broker unfenced", "broker \(broker)", "broker epoch \(epoch)", .good, .brokers)
    case .chaos(let broker, let action):
        return EventWords("chaos", "broker \(broker)", action.description, .highlight, .brokers)
    case .controllerChanged, .leaderChanged, .inSyncReplicasChanged, .reassignmentStarted, .reassignmentEnded, .logTruncated,
        .logDamaged:
        return replicaWords(kind)
    case .lagVerdict(let group, let from, let to, let isTrouble, let lag):
        let detail = "\(from) → \(to), \(Format.count(lag)) unread"
        return EventWords("lag \(to)", group, detail, isTrouble ? .warning : .good, .group(group))
    case .accessChanged, .quotaChanged, .userChanged: return adminWords(kind)
    case .ownAction(let title, let outcome, let isDone):
        return EventWords("done from here", title, outcome, isDone ? .highlight : .failure)
    case .recorded(let what, let object, let detail): return EventWords(what, object, detail, .muted)
    case .disk(let broker, let message): return EventWords("disk", "broker \(broker)", message, .failure, .brokers)
    case .compacted(let partition, _, let before, let after):
        let sizes = "\(Format.bytes(before)) → \(Format.bytes(after))"
        return EventWords("compacted", partition.description, sizes, .good, .topic(partition.topic))
    }
}

/// Who leads, who is in sync, and why: with the epochs before and after.
private func replicaWords(_ kind: ClusterEvent.Kind) -> EventWords {
    switch kind {
    case .controllerChanged(let from, let to, let epochs):
        let change = (from.map { "\($0) → " } ?? "") + "\(to), epoch \(epochs)"
        return EventWords("controller", "broker \(to)", change, .pending, .brokers)
    case .leaderChanged(let partition, let from, let to, let epochs, let cause):
        let change = join(["\(from?.description ?? "none") → \(to?.description ?? "none")", cause, "epoch \(epochs)"])
        return EventWords("leader changed", partition.description, change, to == nil ? .failure : .pending, .topic(partition.topic))
    case .inSyncReplicasChanged(let partition, let from, let to, let epoch, let versions, let cause):
        let shrunk = to.count < from.count
        let epochs = epoch == .none ? "" : "epoch \(epoch)" + (versions.map { ", version \($0)" } ?? "")
        return EventWords(
            shrunk ? "isr shrunk" : "isr grown", partition.description, join(["\(idsOrNone(from)) → \(idsOrNone(to))", cause, epochs]),
            shrunk ? .warning : .good, .topic(partition.topic))
    case .reassignmentStarted(let partition, let from, let to):
        return EventWords("moving", partition.description, "replicas \(ids(from)) → \(ids(to))", .pending, .topic(partition.topic))
    case .reassignmentEnded(let partition, let replicas, let wasCancelled):
        return EventWords(
            wasCancelled ? "move cancelled" : "moved", partition.description, "replicas \(ids(replicas))",
            wasCancelled ? .doomed : .finished,
            .topic(partition.topic))
    case .logTruncated(let partition, let broker, let from, let to):
        return EventWords(
            "log truncated", partition.description, "on broker \(broker): \(from) → \(to), never committed", .pending,
            .topic(partition.topic))
    case .logDamaged(let partition, let broker, let from, let to, let outcome):
        let what = "offsets \(from) to \(to) on broker \(broker)"
        switch outcome {
        case .found: return EventWords("rot found", partition.description, what, .failure, .topic(partition.topic))
        case .mended(let source):
            return EventWords("rot mended", partition.description, what + ", from broker \(source)", .good, .topic(partition.topic))
        case .withoutRemedy:
            return EventWords("rot stays", partition.description, what + ", no replica has them", .failure, .topic(partition.topic))
        }
    default: return EventWords("", "", "", .text)
    }
}

/// Who may what, and how much.
private func adminWords(_ kind: ClusterEvent.Kind) -> EventWords {
    switch kind {
    case .accessChanged(let principal, let rule, let isAdded):
        return EventWords(isAdded ? "acl added" : "acl removed", principal, rule, isAdded ? .fresh : .doomed, .access)
    case .quotaChanged(let entity, let key, let from, let to):
        return EventWords("quota changed", entity, "\(key): \(from ?? "no limit") → \(to ?? "no limit")", .pending, .quotas)
    case .userChanged(let user, let mechanism, let isAdded):
        return EventWords(isAdded ? "user added" : "user removed", user, mechanism, isAdded ? .fresh : .doomed, .users)
    default: return EventWords("", "", "", .text)
    }
}

private func idsOrNone(_ brokers: [BrokerID]) -> String { brokers.isEmpty ? "none" : ids(brokers) }

private func rebalanceWords(_ event: RebalanceEvent) -> EventWords {
    let members = "\(event.members) member\(plural(event.members))"
    var who = event.clientID.isEmpty ? "" : event.clientID
    if !event.clientHost.isEmpty { who += "@" + hostText(event.clientHost) }
    let because = event.reason == .unknown ? "" : event.reason.rawValue
    let own = event.clientReason.flatMap { $0.isEmpty ? nil : " (\($0))" } ?? ""
    let target = Place.group(event.group)
    let generation = "\(event.isEpoch ? "epoch" : "generation") \(event.generation)"
    switch event.step {
    case .started:
        return EventWords("rebalance", event.group, join([because + own, who, generation]), .warning, target)
    case .completed: return EventWords(event.isEpoch ? "settled" : "rejoined", event.group, join([generation, members]), .pending, target)
    case .assigned: return EventWords("assigned", event.group, join([generation + own, members]), .good, target)
    case .memberJoined: return EventWords("member joined", event.group, join([who, members, because + own]), .fresh, target)
    case .memberLeft: return EventWords("member left", event.group, join([who, because + own, members]), .doomed, target)
    case .emptied: return EventWords("group empty", event.group, join(["last member gone", because + own]), .finished, target)
    }
}

private func join(_ parts: [String]) -> String { parts.filter { !$0.isEmpty }.joined(separator: ", ") }

func plural(_ count: Int) -> String { count == 1 ? "" : "s" }
