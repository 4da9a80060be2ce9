import Grid
import Observatory
import Primitives

extension Console {
    /// One partition: its state, every replica, and what happened to it.
    func describePartition(_ name: TopicPartition) -> [[Span]] {
        guard let topic = snapshot.topic(name.topic), let partition = snapshot.partition(name) else {
            return [[Span("Partition \(Escape.line(name.description)) is not known.", .muted)]]
        }
        let state = partitionState(partition, topic)
        var out = [
            field("Partition", name.description), field("State", state.text, state.scope),
            field("Leader", (partition.leader?.description ?? "none") + (partition.isLeaderPreferred ? "" : ", not the preferred one")),
            field("Leader epoch", partition.leaderEpoch.description), field("Replicas", ids(partition.replicas)),
            field("In sync", ids(partition.inSyncReplicas)), field("Minimum in sync", topic.minInSyncReplicas.map(String.init) ?? "-"),
        ]
        if !partition.eligibleLeaderReplicas.isEmpty { out.append(field("Eligible leaders", ids(partition.eligibleLeaderReplicas))) }
        out.append(field("Offsets", "\(partition.startOffset?.description ?? "-") to \(partition.endOffset?.description ?? "-")"))
        out.append(field("Written", Format.rate(partition.messageRate)))
        out += heading("REPLICAS")
        for id in partition.replicas { out.append(replicaLine(id, partition)) }
        if let moving = snapshot.reassignments[name] { out += describeMove(moving) }
        out += happened(to: name)
        return out
    }

    private func replicaLine(_ id: BrokerID, _ partition: PartitionSnapshot) -> [Span] {
        let replica = partition.replica(id)
        let isInSync = partition.inSyncReplicas.contains(id)
        let lag = partition.lag(of: id).map { "\(Format.count($0)) behind" } ?? "unknown"
        let end = replica?.logEndOffset.map { Format.count($0.rawValue) } ?? "-"
        return [
            Span(Clip.pad("Broker \(id)", 11), .label), Span(Clip.pad("log end \(end)", 21), .value),
            Span(Clip.pad(id == partition.leader ? "leads" : lag, 17), .value),
            Span(Clip.pad(replica?.sizeBytes.map { Format.bytes($0) } ?? "-", 10), .value),
            isInSync ? Span("in sync", .good) : Span("not in sync", .warning),
        ]
    }

    private func describeMove(_ moving: ReassignmentSnapshot) -> [[Span]] {
        var out = heading("REASSIGNMENT")
        out += [field("From", ids(moving.original)), field("To", ids(moving.target))]
        if let left = moving.bytesLeft { out.append(field("Left", Format.bytes(left))) }
        if let rate = moving.rate { out.append(field("Rate", Format.byteRate(rate))) }
        if let eta = moving.etaMs { out.append(field("Done in", Format.duration(milliseconds: eta))) }
        return out
    }

    private func happened(to name: TopicPartition) -> [[Span]] {
        let words = snapshot.events.reversed().lazy.map { ($0, eventWords($0.kind)) }.filter { $0.1.object == name.description }.prefix(20)
        var out: [[Span]] = []
        for (event, words) in words {
            let time = CivilTime(event.time)
            out.append([
                Span("\(time.date) \(event.inferredSince == nil ? "" : "~")\(time.clock)  ", .muted),
                Span(Clip.pad(words.what, 16), words.scope), Span(Escape.line(words.detail), .value),
            ])
        }
        return out.isEmpty ? [] : heading("WHAT HAPPENED") + out
    }
}
