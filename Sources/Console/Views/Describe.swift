import Grid
import Observatory
import Primitives

/// All that is known of one thing, as lines.
extension Console {
    func describe(_ subject: Place.Subject) -> [[Span]] {
        switch subject {
        case .broker(let id): return describeBroker(id)
        case .topic(let name): return describeTopic(name)
        case .partition(let partition): return describePartition(partition)
        case .group(let id): return describeGroup(id)
        case .connector(let id, let task): return describeConnector(id, task: task)
        case .client(let identity): return describeClient(identity)
        case .event(let index): return describeEvent(index)
        case .outcome(let outcome): return describeOutcome(outcome)
        case .cluster(let name): return describeCluster(name)
        }
    }

    func field(_ label: String, _ value: String, _ scope: Scope = .value) -> [Span] {
        [Span(Clip.pad(label, 18), .label), Span(Escape.line(value), scope)]
    }

    func heading(_ text: String) -> [[Span]] { [[], [Span(text, .tableHeader)]] }

    private func describeBroker(_ id: BrokerID) -> [[Span]] {
        guard let broker = snapshot.broker(id) else { return [[Span("Broker \(id) is not known.", .muted)]] }
        let state = brokerState(broker, chaos?[id])
        var out = [
            field("Broker", id.description), field("Address", broker.address), field("Rack", broker.rack ?? "none"),
            field("State", state.text, state.scope), field("Quorum", snapshot.quorum?.role(of: id) ?? "-"),
            field("Controller", broker.isController || snapshot.controller == id ? "yes" : "no"),
            field("Leaders", Format.count(broker.leaders)), field("Replicas", Format.count(broker.replicas)),
            field("Not in sync", Format.count(broker.outOfSyncReplicas)),
        ]
        for directory in broker.disk?.directories ?? [] {
            out += heading("LOG DIRECTORY")
            out.append(field("Path", directory.path))
            out.append(field("State", directory.error ?? "ok", directory.error == nil ? .good : .failure))
            out.append(field("Used by replicas", Format.bytes(directory.usedBytes)))
            if let total = directory.totalBytes { out.append(field("Disk", Format.bytes(total))) }
            if let usable = directory.usableBytes { out.append(field("Free", Format.bytes(usable))) }
        }
        if let quorum = snapshot.quorum {
            out += heading("METADATA QUORUM")
            out.append(field("Leader", quorum.leader.description))
            out.append(field("Epoch", String(quorum.quorumEpoch)))
            for node in quorum.voters { out.append(field("Voter \(node.id)", "end \(node.logEndOffset), lag \(node.lag)")) }
            for node in quorum.observers { out.append(field("Observer \(node.id)", "end \(node.logEndOffset), lag \(node.lag)")) }
        }
        return out
    }

    private func describeTopic(_ name: String) -> [[Span]] {
        guard let topic = snapshot.topic(name) else { return [[Span("Topic \(Escape.line(name)) is not known.", .muted)]] }
        let health = topicHealth(topic)
        var out = [
            field("Topic", name), field("Id", topic.id.description), field("Health", health.text, health.scope),
            field("Partitions", Format.count(topic.partitions.count)), field("Replication", String(topic.replicationFactor)),
            field("Internal", topic.isInternal ? "yes" : "no"), field("Messages", topic.messages.map { Format.count($0) } ?? "-"),
            field("Size", topic.sizeBytes.map { Format.bytes($0) } ?? "-"), field("Written", Format.rate(topic.messageRate)),
        ]
        out += heading("PARTITIONS")
        for partition in topic.partitions {
            let state = partitionState(partition, topic)
            let offsets = "\(partition.startOffset?.description ?? "-")..\(partition.endOffset?.description ?? "-")"
            out.append([
                Span(Clip.pad(String(partition.index), 5, right: true), .label),
                Span(
                    "  leader \(partition.leader?.description ?? "none")  replicas \(ids(partition.replicas))"
                        + "  isr \(ids(partition.inSyncReplicas))",
                    .value),
                Span("  offsets \(offsets)  ", .value), Span(state.text, state.scope),
            ])
        }
        let readers = snapshot.groups.values.filter { $0.topics.contains(name) }
        if !readers.isEmpty {
            out += heading("READ BY")
            for group in readers { out.append(field(group.id, "\(group.state), lag \(group.lag.map { Format.count($0) } ?? "-")")) }
        }
        if let config = snapshot.configs[.topic(name)] {
            out += heading("CONFIGS SET ON THE TOPIC")
            let set = config.entries.filter(\.isOverride)
            if set.isEmpty { out.append([Span("none", .muted)]) }
            for entry in set { out.append([Span(Clip.pad(entry.name, 34), .label), Span(Escape.line(entry.value ?? "(hidden)"), .value)]) }
        }
        return out
    }

    private func describeGroup(_ id: String) -> [[Span]] {
        guard let group = snapshot.group(id) else { return [[Span("Group \(Escape.line(id)) is not known.", .muted)]] }
        let state = groupState(group)
        var out = [
            field("Group", id), field("State", state.text, state.scope), field("Type", group.type.isEmpty ? "-" : group.type),
            field("Protocol", group.protocolType), field("Assignor", group.assignor.isEmpty ? "-" : group.assignor),
            field("Coordinator", group.coordinator.map { "broker \($0)" } ?? "-"), field("Lag", group.lag.map { Format.count($0) } ?? "-"),
            field("Topics", group.topics.joined(separator: ", ")),
        ]
        if group.groupEpoch != nil { out.append(field("Epochs", epochText(group))) }
        out += heading("MEMBERS")
        if group.members.isEmpty { out.append([Span("none", .muted)]) }
        for member in group.members {
            out.append(field(member.clientID, "\(hostText(member.host))  \(member.id)", .value))
            out.append(field("", assignmentText(member.assignment), .muted))
            guard let epoch = member.memberEpoch else { continue }
            let isThere = member.isReconciled(to: group.assignmentEpoch)
            let target = isThere ? "" : ", to have \(assignmentText(member.targetAssignment))"
            // The epoch of a static member that means to come back.
            let reached = epoch == -2 ? "away for a while" : "epoch \(epoch)"
            out.append(field("", reached + target, isThere ? .muted : .pending))
            if let instance = member.instanceID { out.append(field("", "instance \(instance)", .muted)) }
        }
        let events = snapshot.events.reversed().filter { if case .rebalance(let event) = $0.kind { event.group == id } else { false } }
        if !events.isEmpty {
            out += heading("LATEST REBALANCES")
            for event in events.prefix(20) {
                let words = eventWords(event.kind)
                let time = CivilTime(event.time)
                out.append([
                    Span("\(time.date) \(time.clock)  ", .muted), Span(Clip.pad(words.what, 14), words.scope),
                    Span(Escape.line(words.detail), .value),
                ])
            }
        }
        return out
    }

    private func describeEvent(_ number: Int) -> [[Span]] {
        let index = number - (snapshot.eventCount - snapshot.events.count)
        guard index >= 0, index < snapshot.events.count else { return [[Span("This event is no longer held.", .muted)]] }
        let event = snapshot.events[index]
        let words = eventWords(event.kind)
        var out = [
            field("What", words.what, words.scope), field("On", words.object), field("Detail", words.detail),
            field("Time", CivilTime(event.time).text + " UTC"),
        ]
        if let since = event.inferredSince {
            out.append(
                field(
                    "Seen",
                    "inferred: happened between \(CivilTime(since).clockMilliseconds) and \(CivilTime(event.time).clockMilliseconds)"))
        } else {
            out.append(field("Seen", "told by the engine as it happened"))
        }
        if case .rebalance(let rebalance) = event.kind {
            out += heading("REBALANCE")
            out += [
                field("Group", rebalance.group), field(rebalance.isEpoch ? "Epoch" : "Generation", String(rebalance.generation)),
                field("Step", rebalance.step.rawValue),
                field("Reason", rebalance.reason.rawValue), field("Member", rebalance.memberID), field("Client", rebalance.clientID),
                field("Host", rebalance.clientHost), field("Members after", String(rebalance.members)),
            ]
            if let instance = rebalance.groupInstanceID { out.append(field("Instance", instance)) }
            if let reason = rebalance.clientReason { out.append(field("Client says", reason)) }
        }
        return out
    }

    private func describeOutcome(_ outcome: PlanOutcome) -> [[Span]] {
        let verdict: (String, Scope) =
            switch outcome.verdict {
            case .done: ("done, and checked", .good)
            case .doneButDiffers: ("done, but the cluster shows something else", .warning)
            case .failed: ("failed", .failure)
            }
        return [field("Change", outcome.title), field("Verdict", verdict.0, verdict.1), []]
            + outcome.lines.map { [Span(Escape.line($0), .text)] }
    }
}
