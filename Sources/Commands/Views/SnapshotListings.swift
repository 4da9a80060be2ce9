import Observatory
import Primitives

/// The console's views as listings: a picture of the cluster in, rows out. Columns bear Kafka's own names.
enum SnapshotListings {
    static func overview(_ snapshot: ClusterSnapshot) -> Listing {
        var listing = Listing([.init("WHAT", "what"), .init("VALUE", "value")])
        let health = snapshot.health
        let internalTopics = snapshot.topics.count { $0.value.isInternal }
        let rows: [(String, JSON)] = [
            ("clusterId", snapshot.clusterID.map { .string($0) } ?? .null),
            ("controller", id(snapshot.controller)),
            ("brokers", .number(Int64(snapshot.brokers.count))),
            ("brokersDown", .number(Int64(health.brokersDown))),
            ("topics", .number(Int64(snapshot.topics.count - internalTopics))),
            ("internalTopics", .number(Int64(internalTopics))),
            ("partitions", .number(Int64(health.partitions))),
            ("offlinePartitions", .number(Int64(health.offlinePartitions))),
            ("underReplicatedPartitions", .number(Int64(health.underReplicatedPartitions))),
            ("underMinIsrPartitions", .number(Int64(health.underMinISRPartitions))),
            ("leaderNotPreferred", .number(Int64(health.leaderNotPreferred))),
            ("reassigningPartitions", .number(Int64(health.reassigningPartitions))),
            ("groups", .number(Int64(health.groups))),
            ("groupsRebalancing", .number(Int64(health.groupsRebalancing))),
            ("groupsWithoutMembers", .number(Int64(health.groupsWithoutMembers))),
            ("totalLag", .number(health.totalLag)),
        ]
        for (name, value) in rows { listing.add([.string(name), value]) }
        return listing
    }

    static func brokers(_ snapshot: ClusterSnapshot) -> Listing {
        var listing = Listing([
            .init("BROKER", "broker", right: true), .init("HOST", "host"), .init("PORT", "port", right: true), .init("RACK", "rack"),
            .init("STATE", "state"), .init("CONTROLLER", "controller"), .init("LEADERS", "leaders", right: true),
            .init("REPLICAS", "replicas", right: true), .init("OUT-OF-SYNC", "outOfSync", right: true),
            .init("SIZE", "size", right: true), .init("LATENCY-MS", "latencyMs", right: true), .init("QUORUM", "quorum"),
            .init("THROTTLE", "throttle", right: true),
        ])
        for (id, broker) in snapshot.brokers {
            listing.add([
                .number(Int64(id.rawValue)), .string(broker.host), .number(Int64(broker.port)), text(broker.rack),
                .string(broker.isAlive ? "up" : broker.isFenced ? "fenced" : "down"), .bool(broker.isController),
                .number(Int64(broker.leaders)),
                .number(Int64(broker.replicas)), .number(Int64(broker.outOfSyncReplicas)), number(broker.disk?.usedBytes),
                number(broker.latencyMs), snapshot.quorum?.role(of: id).map { .string($0) } ?? .null, number(broker.throttleRate),
            ])
        }
        return listing
    }

    static func topics(_ topics: [TopicSnapshot]) -> Listing {
        var listing = Listing([
            .init("TOPIC", "topic"), .init("PARTITIONS", "partitions", right: true), .init("REPLICATION", "replicationFactor", right: true),
            .init("MESSAGES", "messages", right: true), .init("SIZE", "size", right: true), .init("OFFLINE", "offline", right: true),
            .init("UNDER-REPLICATED", "underReplicated", right: true), .init("INTERNAL", "internal"), .init("ID", "topicId"),
        ])
        for topic in topics {
            listing.add([
                .string(topic.name), .number(Int64(topic.partitions.count)), .number(Int64(topic.replicationFactor)),
                number(topic.messages), number(topic.sizeBytes), .number(Int64(topic.offline)), .number(Int64(topic.underReplicated)),
                .bool(topic.isInternal), topic.id.isZero ? .null : .string(topic.id.text),
            ])
        }
        return listing
    }

    static func partitions(
        _ topics: [TopicSnapshot], where isWanted: (TopicSnapshot, PartitionSnapshot) -> Bool = { _, _ in true }
    ) -> Listing {
        var listing = Listing([
            .init("TOPIC", "topic"), .init("PARTITION", "partition", right: true), .init("LEADER", "leader", right: true),
            .init("LEADER-EPOCH", "leaderEpoch", right: true), .init("REPLICAS", "replicas"), .init("ISR", "isr"),
            .init("LOG-START-OFFSET", "logStartOffset", right: true), .init("LOG-END-OFFSET", "logEndOffset", right: true),
            .init("MESSAGES", "messages", right: true), .init("SIZE", "size", right: true),
        ])
        for topic in topics {
            for partition in topic.partitions where isWanted(topic, partition) {
                var messages: JSON = .null
                if let start = partition.startOffset, let end = partition.endOffset { messages = .number(end - start) }
                listing.add([
                    .string(topic.name), .number(Int64(partition.index)), id(partition.leader),
                    partition.leaderEpoch == .none ? .null : .number(Int64(partition.leaderEpoch.rawValue)), ids(partition.replicas),
                    ids(partition.inSyncReplicas), offset(partition.startOffset), offset(partition.endOffset), messages,
                    number(partition.sizeBytes),
                ])
            }
        }
        return listing
    }

    static func configs(_ configs: [(ConfigResource, ConfigSnapshot)]) -> Listing {
        var listing = Listing([
            .init("TYPE", "type"), .init("NAME", "name"), .init("KEY", "key"), .init("VALUE", "value"), .init("SOURCE", "source"),
        ])
        for (resource, snapshot) in configs {
            for entry in snapshot.entries {
                listing.add([
                    .string(resource.kind == .topic ? "topic" : "broker"), .string(resource.name), .string(entry.name),
                    entry.isSensitive ? .null : text(entry.value), .string(entry.source.name),
                ])
            }
        }
        return listing
    }

    // MARK: Groups

    static func groups(_ groups: [GroupSnapshot]) -> Listing {
        var listing = Listing([
            .init("GROUP", "group"), .init("STATE", "state"), .init("TYPE", "type"), .init("MEMBERS", "members", right: true),
            .init("TOPICS", "topics", right: true), .init("LAG", "lag", right: true), .init("COORDINATOR", "coordinator", right: true),
            .init("ASSIGNOR", "assignor"), .init("GROUP-EPOCH", "groupEpoch", right: true),
            .init("TARGET-ASSIGNMENT-EPOCH", "targetAssignmentEpoch", right: true),
        ])
        for group in groups {
            listing.add([
                .string(group.id), text(group.state), text(group.type), .number(Int64(group.members.count)),
                .number(Int64(group.topics.count)), number(group.lag), id(group.coordinator), text(group.assignor),
                number(group.groupEpoch.map(Int64.init)), number(group.assignmentEpoch.map(Int64.init)),
            ])
        }
        return listing
    }

    static func lag(_ groups: [GroupSnapshot]) -> Listing {
        var listing = Listing([
            .init("GROUP", "group"), .init("TOPIC", "topic"), .init("PARTITION", "partition", right: true),
            .init("CURRENT-OFFSET", "currentOffset", right: true), .init("LOG-END-OFFSET", "logEndOffset", right: true),
            .init("LAG", "lag", right: true), .init("CONSUMER-ID", "consumerId"), .init("HOST", "host"), .init("CLIENT-ID", "clientId"),
        ])
        for group in groups {
            for partition in group.partitions {
                let member = partition.member.flatMap { name in group.members.first { $0.id == name } }
                listing.add([
                    .string(group.id), .string(partition.partition.topic), .number(Int64(partition.partition.partition)),
                    offset(partition.committed), offset(partition.end), number(partition.lag), text(partition.member),
                    text(member?.host), text(member?.clientID),
                ])
            }
        }
        return listing
    }

    static func members(_ groups: [GroupSnapshot]) -> Listing {
        var listing = Listing([
            .init("GROUP", "group"), .init("CONSUMER-ID", "consumerId"), .init("GROUP-INSTANCE-ID", "groupInstanceId"),
            .init("HOST", "host"), .init("CLIENT-ID", "clientId"), .init("#PARTITIONS", "partitionCount", right: true),
            .init("CURRENT-EPOCH", "currentEpoch", right: true), .init("CURRENT-ASSIGNMENT", "assignment"),
            .init("TARGET-EPOCH", "targetEpoch", right: true), .init("TARGET-ASSIGNMENT", "targetAssignment"),
        ])
        for group in groups {
            for member in group.members {
                listing.add([
                    .string(group.id), .string(member.id), text(member.instanceID), .string(member.host), .string(member.clientID),
                    .number(Int64(member.assignment.count)), number(member.memberEpoch.map(Int64.init)),
                    .array(member.assignment.map { .string($0.description) }),
                    number(member.memberEpoch == nil ? nil : group.assignmentEpoch.map(Int64.init)),
                    member.memberEpoch == nil ? .null : .array(member.targetAssignment.map { .string($0.description) }),
                ])
            }
        }
        return listing
    }

    static func id(_ id: BrokerID?) -> JSON { id.map { .number(Int64($0.rawValue)) } ?? .null }
    static func ids(_ ids: [BrokerID]) -> JSON { .array(ids.map { .number(Int64($0.rawValue)) }) }
    static func offset(_ offset: Offset?) -> JSON { offset.map { .number($0.rawValue) } ?? .null }
    static func number(_ value: Int64?) -> JSON { value.map { .number($0) } ?? .null }
    static func text(_ value: String?) -> JSON { value.flatMap { $0.isEmpty ? nil : .string($0) } ?? .null }
}
