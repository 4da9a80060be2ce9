import Primitives

/// One picture of a cluster as bytes, for the history: brokers, partitions with offsets and in-sync sets, groups with members, commits and
/// verdicts. What can be worked out from these is not in it, nor are histories (the frames are one), configs and events.
package enum FrameCodec {
    static let version: UInt64 = 1

    package static func encode(_ snapshot: ClusterSnapshot) -> Bytes {
        var out = FrameWriter()
        out.raw(version)
        out.number(snapshot.time.milliseconds)
        out.optional(snapshot.clusterID)
        out.optional(snapshot.controller.map { Int64($0.rawValue) })
        out.flag(snapshot.isControllerExact)
        out.optional(snapshot.throughput.last?.messages)
        out.optional(snapshot.throughput.last?.bytes)
        out.count(snapshot.brokers.count)
        for broker in snapshot.brokers.values { encode(broker, &out) }
        out.count(snapshot.topics.count)
        for topic in snapshot.topics.values { encode(topic, &out) }
        out.count(snapshot.groups.count)
        for group in snapshot.groups.values { encode(group, &out) }
        return out.finish()
    }

    private static func encode(_ broker: BrokerSnapshot, _ out: inout FrameWriter) {
        out.number(broker.id.rawValue)
        out.text(broker.host)
        out.number(broker.port)
        out.optional(broker.rack)
        for flag in [broker.isAlive, broker.isFenced, broker.isController] { out.flag(flag) }
        for number in [broker.leaders, broker.replicas, broker.outOfSyncReplicas] { out.number(Int64(number)) }
        out.optional(broker.latencyMs)
        out.count(broker.disk?.directories.count ?? 0)
        for directory in broker.disk?.directories ?? [] {
            out.text(directory.path)
            out.optional(directory.error)
            out.number(directory.usedBytes)
            out.optional(directory.totalBytes)
            out.optional(directory.usableBytes)
        }
    }

    private static func encode(_ topic: TopicSnapshot, _ out: inout FrameWriter) {
        out.text(topic.name)
        out.raw(topic.id.high)
        out.raw(topic.id.low)
        out.flag(topic.isInternal)
        out.optional(topic.error)
        out.optional(topic.minInSyncReplicas.map { Int64($0) })
        out.optional(topic.retentionMs)
        out.optional(topic.messageRate)
        out.optional(topic.byteRate)
        out.count(topic.partitions.count)
        for partition in topic.partitions {
            out.optional(partition.leader.map { Int64($0.rawValue) })
            out.number(partition.leaderEpoch.rawValue)
            out.brokers(partition.replicas)
            out.brokers(partition.inSyncReplicas)
            out.brokers(partition.addingReplicas)
            out.brokers(partition.removingReplicas)
            out.optional(partition.startOffset?.rawValue)
            out.optional(partition.endOffset?.rawValue)
            out.optional(partition.sizeBytes)
            out.optional(partition.messageRate)
        }
    }

    private static func encode(_ group: GroupSnapshot, _ out: inout FrameWriter) {
        for text in [group.id, group.state, group.type, group.protocolType, group.assignor] { out.text(text) }
        out.optional(group.coordinator.map { Int64($0.rawValue) })
        out.optional(group.groupEpoch.map { Int64($0) })
        out.optional(group.consumeRate)
        out.count(group.members.count)
        for member in group.members {
            for text in [member.id, member.clientID, member.host] { out.text(text) }
            out.optional(member.instanceID)
        }
        out.count(group.partitions.count)
        for row in group.partitions {
            out.text(row.partition.topic)
            out.number(row.partition.partition)
            out.optional(row.committed?.rawValue)
            out.optional(row.start?.rawValue)
            out.optional(row.end?.rawValue)
            out.optional(row.member)
            out.optional(row.analysis.timeLag?.milliseconds)
            out.number(Int64(kinds.firstIndex(of: row.analysis.timeLag?.kind ?? .exact) ?? 0))
            out.optional(row.analysis.rateIn)
            out.optional(row.analysis.rateOut)
            out.optional(row.analysis.drainMs)
            out.optional(row.analysis.frozenMs)
            out.number(Int64(trends.firstIndex(of: row.analysis.trend) ?? 0))
            out.number(Int64(LagVerdict.allCases.firstIndex(of: row.analysis.verdict) ?? 0))
        }
    }

    private static let kinds: [TimeLag.Kind] = [.exact, .interpolated, .atLeast]
    private static let trends: [LagTrend] = [.unknown, .falling, .steady, .rising]

    // MARK: Reading

    /// The picture as it was; nil where the bytes are none of ours.
    package static func decode(_ bytes: Bytes) -> ClusterSnapshot? {
        var input = FrameReader(bytes)
        return try? decode(&input)
    }

    private static func decode(_ input: inout FrameReader) throws(ByteError) -> ClusterSnapshot {
        guard try input.raw() == version else { throw .invalid }
        var snapshot = ClusterSnapshot()
        snapshot.time = Timestamp(milliseconds: try input.number())
        snapshot.connection = .connected(since: snapshot.time)
        snapshot.clusterID = try input.optionalText()
        snapshot.controller = try input.optional().map { BrokerID(Int32(truncatingIfNeeded: $0)) }
        snapshot.isControllerExact = try input.flag()
        let (messages, bytes) = (try input.optionalRate(), try input.optionalRate())
        snapshot.throughput.append(RateSample(time: snapshot.time, messages: messages, bytes: bytes))
        for _ in 0..<(try input.count()) {
            let broker = try decodeBroker(&input)
            snapshot.brokers[broker.id] = broker
        }
        var places = KnownPlaces()
        for _ in 0..<(try input.count()) {
            let topic = try decodeTopic(&input, &places, at: snapshot.time)
            snapshot.topics[topic.name] = topic
        }
        for _ in 0..<(try input.count()) {
            let group = try decodeGroup(&input, at: snapshot.time)
            snapshot.groups[group.id] = group
        }
        let seen = Observation(time: snapshot.time)
        (snapshot.observations.metadata, snapshot.observations.offsets, snapshot.observations.groups) = (seen, seen, seen)
        snapshot.countHealth()
        return snapshot
    }

    private static func decodeBroker(_ input: inout FrameReader) throws(ByteError) -> BrokerSnapshot {
        let id = BrokerID(try input.number32())
        let host = try input.text()
        var broker = BrokerSnapshot(id: id, host: host, port: try input.number32(), rack: try input.optionalText())
        (broker.isAlive, broker.isFenced, broker.isController) = (try input.flag(), try input.flag(), try input.flag())
        let (leaders, replicas, out) = (try input.number(), try input.number(), try input.number())
        (broker.leaders, broker.replicas, broker.outOfSyncReplicas) = (Int(leaders), Int(replicas), Int(out))
        broker.latencyMs = try input.optional()
        var directories: [BrokerDisk.Directory] = []
        for _ in 0..<(try input.count()) {
            directories.append(
                BrokerDisk.Directory(
                    path: try input.text(), error: try input.optionalText(), usedBytes: try input.number(),
                    totalBytes: try input.optional(),
                    usableBytes: try input.optional()))
        }
        if !directories.isEmpty { broker.disk = BrokerDisk(directories: directories) }
        return broker
    }

    private static func decodeTopic(
        _ input: inout FrameReader, _ places: inout KnownPlaces, at time: Timestamp
    ) throws(ByteError) -> TopicSnapshot {
        let name = try input.text()
        let id = UUID(high: try input.raw(), low: try input.raw())
        var topic = TopicSnapshot(name: name, id: id, isInternal: try input.flag())
        topic.error = try input.optionalText()
        topic.minInSyncReplicas = try input.optional().map { Int(truncatingIfNeeded: $0) }
        topic.retentionMs = try input.optional()
        topic.messageRate = try input.optionalRate()
        topic.byteRate = try input.optionalRate()
        var partitions: [PartitionSnapshot] = []
        for index in 0..<(try input.count()) {
            let leader = try input.optional().map { BrokerID(Int32(truncatingIfNeeded: $0)) }
            let epoch = LeaderEpoch(try input.number32())
            let (replicas, inSync) = (try input.numbers(), try input.numbers())
            var partition = PartitionSnapshot(
                index: Int32(truncatingIfNeeded: index), leader: leader, leaderEpoch: epoch,
                places: places.places(replicas, inSync, nil), offlineReplicas: [])
            let (adding, removing) = (try input.numbers(), try input.numbers())
            if !adding.isEmpty { partition.addingReplicas = adding.map(BrokerID.init(_:)) }
            if !removing.isEmpty { partition.removingReplicas = removing.map(BrokerID.init(_:)) }
            partition.startOffset = try input.optional().map { Offset($0) }
            partition.endOffset = try input.optional().map { Offset($0) }
            partition.sizeBytes = try input.optional()
            partition.messageRate = try input.optionalRate()
            partition.offsetsTime = time
            partitions.append(partition)
        }
        topic.partitions = partitions
        topic.messages = sum(partitions.map(\.messages))
        topic.sizeBytes = sum(partitions.map(\.sizeBytes))
        topic.offsetsObservation = Observation(time: time)
        return topic
    }

    private static func decodeGroup(_ input: inout FrameReader, at time: Timestamp) throws(ByteError) -> GroupSnapshot {
        var group = GroupSnapshot(id: try input.text(), state: try input.text(), type: try input.text(), protocolType: try input.text())
        group.assignor = try input.text()
        group.coordinator = try input.optional().map { BrokerID(Int32(truncatingIfNeeded: $0)) }
        group.groupEpoch = try input.optional().map { Int32(truncatingIfNeeded: $0) }
        group.consumeRate = try input.optionalRate()
        for _ in 0..<(try input.count()) {
            let (id, client, host) = (try input.text(), try input.text(), try input.text())
            group.members.append(MemberSnapshot(id: id, instanceID: try input.optionalText(), clientID: client, host: host))
        }
        for _ in 0..<(try input.count()) { group.partitions.append(try decodeRow(&input)) }
        for row in group.partitions {
            guard let owner = row.member, let place = group.members.firstIndex(where: { $0.id == owner }) else { continue }
            group.members[place].assignment.append(row.partition)
        }
        group.lag = sum(group.partitions.map(\.lag))
        group.analysis = GroupLag.judge(group.partitions.filter { $0.committed != nil }.map { ($0.partition, $0.analysis) })
        (group.observation, group.offsetsObservation) = (Observation(time: time), Observation(time: time))
        return group
    }

    private static func decodeRow(_ input: inout FrameReader) throws(ByteError) -> GroupPartitionSnapshot {
        var row = GroupPartitionSnapshot(partition: TopicPartition(try input.text(), try input.number32()))
        row.committed = try input.optional().map { Offset($0) }
        row.start = try input.optional().map { Offset($0) }
        row.end = try input.optional().map { Offset($0) }
        row.member = try input.optionalText()
        let age = try input.optional()
        let kind = try input.number()
        if let age, kinds.indices.contains(Int(truncatingIfNeeded: kind)) { row.analysis.timeLag = TimeLag(age, kinds[Int(kind)]) }
        row.analysis.lag = row.lag
        row.analysis.rateIn = try input.optionalRate()
        row.analysis.rateOut = try input.optionalRate()
        row.analysis.drainMs = try input.optional()
        row.analysis.frozenMs = try input.optional()
        let (trend, verdict) = (Int(truncatingIfNeeded: try input.number()), Int(truncatingIfNeeded: try input.number()))
        if trends.indices.contains(trend) { row.analysis.trend = trends[trend] }
        if LagVerdict.allCases.indices.contains(verdict) { row.analysis.verdict = LagVerdict.allCases[verdict] }
        return row
    }

    private static func sum(_ values: [Int64?]) -> Int64? {
        var total: Int64? = nil
        for case let value? in values { total = (total ?? 0).addingClamped(value) }
        return total
    }
}
