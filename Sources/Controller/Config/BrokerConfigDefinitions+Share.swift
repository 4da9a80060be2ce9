/// The settings of share groups (KIP-932): their coordinator's topic, and what their partitions' leaders allow.
extension BrokerConfigDefinitions {
    static var shareKeys: [ConfigDefinition] {
        shareMemberKeys + [
            ConfigDefinition(
                "share.coordinator.state.topic.num.partitions", .int, "50", .atLeast(1), "Partitions of __share_group_state."),
            ConfigDefinition(
                "share.coordinator.state.topic.replication.factor", .short, "3", .atLeast(1), "Replicas of __share_group_state."),
            ConfigDefinition(
                "share.coordinator.state.topic.min.isr", .short, "2", .atLeast(1), "In-sync replicas that a share group's state needs."),
            ConfigDefinition("share.coordinator.state.topic.segment.bytes", .int, "104857600", .atLeast(1), "The size of its segments."),
            ConfigDefinition(
                "share.coordinator.snapshot.update.records.per.snapshot", .int, "500", .between(0, 500),
                "Changes of a share partition that are written before its whole state is."),
            ConfigDefinition(
                "group.share.max.share.sessions", .int, "2000", .atLeast(1),
                "Members of share groups that may fetch from a broker at once."),
            ConfigDefinition(
                "group.share.record.lock.duration.ms", .int, "30000", .between(1000, 3_600_000),
                "How long a record that a member of a share group has got is its alone."),
            ConfigDefinition(
                "group.share.min.record.lock.duration.ms", .int, "15000", .between(1000, 30_000), "The least that a group may ask for."),
            ConfigDefinition(
                "group.share.max.record.lock.duration.ms", .int, "60000", .between(30_000, 3_600_000),
                "The most that a group may ask for."),
            ConfigDefinition(
                "group.share.delivery.count.limit", .int, "5", .between(2, 25), "How often a record is given to members of a share group."),
            ConfigDefinition(
                "group.share.min.delivery.count.limit", .int, "2", .between(2, 5), "The least that a group may ask for."),
            ConfigDefinition(
                "group.share.max.delivery.count.limit", .int, "10", .between(5, 25), "The most that a group may ask for."),
            ConfigDefinition(
                "group.share.partition.max.record.locks", .int, "2000", .between(100, 10_000),
                "Records of a partition that members of a share group may have at once."),
            ConfigDefinition(
                "group.share.min.partition.max.record.locks", .int, "100", .between(100, 2000), "The least that a group may ask for."),
            ConfigDefinition(
                "group.share.max.partition.max.record.locks", .int, "4000", .between(2000, 10_000), "The most that a group may ask for."),
        ]
    }

    /// The groups' members. What may be set for one group alone lies between the `min` and the `max` of its key.
    static var shareMemberKeys: [ConfigDefinition] {
        [
            ConfigDefinition(
                "group.share.session.timeout.ms", .int, "45000", .atLeast(1), "How long a member of a share group may be silent."),
            ConfigDefinition(
                "group.share.min.session.timeout.ms", .int, "45000", .atLeast(1), "The least that one group may set for that."),
            ConfigDefinition(
                "group.share.max.session.timeout.ms", .int, "60000", .atLeast(1), "The most that one group may set for that."),
            ConfigDefinition(
                "group.share.heartbeat.interval.ms", .int, "5000", .atLeast(1), "How often members of share groups come."),
            ConfigDefinition(
                "group.share.min.heartbeat.interval.ms", .int, "5000", .atLeast(1), "The least that one group may set for that."),
            ConfigDefinition(
                "group.share.max.heartbeat.interval.ms", .int, "15000", .atLeast(1), "The most that one group may set for that."),
            ConfigDefinition(
                "group.share.assignment.interval.ms", .int, "1000", .atLeast(0),
                "The least time between two assignments of a share group."),
            ConfigDefinition(
                "group.share.min.assignment.interval.ms", .int, "0", .atLeast(0), "The least that one group may set for that."),
            ConfigDefinition(
                "group.share.max.assignment.interval.ms", .int, "15000", .atLeast(0), "The most that one group may set for that."),
            ConfigDefinition("group.share.max.size", .int, "200", .between(1, 1000), "Members of one share group."),
            ConfigDefinition("group.share.assignors", .list, "simple", .oneOf(["simple"]), "The assignor of share groups."),
        ]
    }
}
