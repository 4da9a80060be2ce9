import Observatory
import Primitives
import Testing
import Wire

@testable import Commands

private func actions(_ line: String) throws -> [PlanActions.Wanted] {
    try PlanActions.actions(try CommandLineParser.parse(line.split(separator: " ").map(String.init)))
}

@Suite struct PlanActionTests {
    @Test func topics() throws {
        var topic = NewTopic(name: "orders", partitions: 6)
        topic.configs = [ConfigValue("retention.ms", "1000")]
        #expect(
            try actions("topics create orders -p 6 -c retention.ms=1000 --if-not-exists")
                == [.init(action: .createTopic(topic), isContentIfExists: true)])
        #expect(
            try actions("topics delete a b --if-exists")
                == [.init(action: .deleteTopic("a"), isContentIfMissing: true), .init(action: .deleteTopic("b"), isContentIfMissing: true)])
        #expect(
            try actions("topics alter a --partitions 9 --set k=v=w --unset x")
                == [
                    .init(action: .addPartitions(topic: "a", total: 9)),
                    .init(action: .alterConfig(.topic("a"), set: [ConfigValue("k", "v=w")], delete: ["x"])),
                ])
        #expect(try actions("topics create b --like a") == [PlanActions.Wanted(action: .createTopic(NewTopic(name: "b", like: "a")))])
        #expect(try actions("topics recreate a b").map(\.action) == [.recreateTopic("a"), .recreateTopic("b")])
        #expect(throws: Failure.self) { try actions("topics alter a") }
        #expect(throws: Failure.self) { try actions("topics trim a --before soon") }
        #expect(throws: Failure.self) { try actions("topics trim a") }
    }

    @Test func groups() throws {
        #expect(
            try actions("groups delete-offsets g --topic a -t b")
                == [
                    .init(action: .deleteGroupOffsets(group: "g", topic: "a")), .init(action: .deleteGroupOffsets(group: "g", topic: "b")),
                ])
        #expect(throws: Failure.self) { try actions("groups delete-offsets g") }
        #expect(throws: Failure.self) { try actions("groups delete-offsets --topic a") }
    }

    @Test func transactions() throws {
        #expect(
            try actions("transactions abort --topic t --partition 1 --start-offset 6")[0].action
                == .abortTransaction(TransactionToAbort(TopicPartition("t", 1), .startOffset(6))))
        #expect(
            try actions("transactions abort --topic t --partition 1 --producer-id 9 --producer-epoch 2 --coordinator-epoch 0")[0].action
                == .abortTransaction(TransactionToAbort(TopicPartition("t", 1), .producer(id: 9, epoch: 2, coordinatorEpoch: 0))))
        #expect(
            try actions("transactions force-terminate --transactional-id x")[0].action == .fenceProducer(transactionalID: "x"))
        for wrong in [
            "transactions abort --topic t --start-offset 6", "transactions abort --topic t --partition 1",
            "transactions abort --topic t --partition 1 --producer-id 9 --producer-epoch 2", "transactions force-terminate",
            "transactions abort --topic t --partition 1 --start-offset 6 --producer-id 9",
        ] { #expect(throws: Failure.self, "\(wrong)") { try actions(wrong) } }
    }

    @Test func access() throws {
        #expect(
            try actions("acls add --principal User:alice --consumer --topic orders --group g")[0].action
                == .addAccess([
                    AccessRule(.topic, "orders", principal: "User:alice", .read),
                    AccessRule(.topic, "orders", principal: "User:alice", .describe),
                    AccessRule(.group, "g", principal: "User:alice", .read),
                ]))
        #expect(
            try actions("acls add --principal User:bob --deny --operation DescribeConfigs --topic l --prefixed --host h")[0].action
                == .addAccess([
                    AccessRule(.topic, "l", isPrefixed: true, principal: "User:bob", host: "h", .describeConfigs, isDenied: true)
                ]))
        let removal = try actions("acls remove --topic orders --operation read")[0]
        #expect(removal.selection?.name == "orders" && removal.selection?.operations == [.read])
        #expect(
            try actions("quotas set --user alice --client-default --set producer_byte_rate=1 --unset x")[0].action
                == .alterQuota(
                    QuotaSubject([("user", .named("alice")), ("client-id", .byDefault)]), set: [ConfigValue("producer_byte_rate", "1")],
                    delete: ["x"]))
        #expect(
            try actions("features downgrade transaction.version=1")[0].action
                == .setFeature("transaction.version", level: 1, isDowngrade: true))
        for wrong in [
            "acls add --topic t --operation read", "acls add --principal alice --topic t --operation read", "acls remove",
            "acls add --principal User:a --operation read", "acls add --principal User:a --topic t",
            "acls add --principal User:a --topic t --operation idempotent-write", "acls add --principal User:a --topic t --operation any",
            "quotas set --set producer_byte_rate=1", "quotas set --user a --user-default --set producer_byte_rate=1",
            "features upgrade transaction.version",
        ] {
            #expect(throws: Failure.self, "\(wrong)") { try actions(wrong) }
        }
    }

    @Test func resets() throws {
        func reset(_ line: String) throws -> PlanAction { try actions("groups reset-offsets g " + line)[0].action }
        #expect(try reset("--topic a --to-earliest") == .resetOffsets(group: "g", scope: .topics(["a"]), strategy: .earliest))
        #expect(
            try reset("--topic a:0,2 --topic b:1 --shift-by -5")
                == .resetOffsets(
                    group: "g", scope: .partitions([.init("a", 0), .init("a", 2), .init("b", 1)]), strategy: .shiftBy(-5)))
        #expect(
            try reset("--all-topics --by-duration PT1H")
                == .resetOffsets(group: "g", scope: .allTopics, strategy: .byDuration(milliseconds: 3_600_000)))
        #expect(
            try reset("--all-topics --to-datetime 2026-11-21T10:30:00.000")
                == .resetOffsets(group: "g", scope: .allTopics, strategy: .datetime(CivilTime.timestamp(2026, 11, 21, 10, 30, 0, 0))))
        for bad in [
            "--topic a", "--to-earliest", "--topic a --to-earliest --to-latest", "--topic a --all-topics --to-latest",
            "--topic a:x --to-latest", "--topic a --topic b:1 --to-latest", "--topic a --to-datetime yesterday",
            "--topic a --from-file x.csv",
        ] {
            #expect(throws: Failure.self, "\(bad)") { try reset(bad) }
        }
    }
}

@Suite struct SnapshotListingTests {
    /// A cluster of one topic of two partitions, one without a leader, and a group that reads them.
    private var snapshot: ClusterSnapshot {
        var snapshot = ClusterSnapshot()
        snapshot.clusterID = "abc"
        snapshot.brokers[1] = BrokerSnapshot(id: 1, host: "h", port: 9092)
        var first = PartitionSnapshot(index: 0, leader: 1, leaderEpoch: 3, replicas: [1, 2], inSyncReplicas: [1])
        (first.startOffset, first.endOffset) = (5, 25)
        let second = PartitionSnapshot(index: 1, leader: nil, replicas: [2], inSyncReplicas: [])
        snapshot.topics["t"] = TopicSnapshot(name: "t", partitions: [first, second])
        var group = GroupSnapshot(id: "g", state: "Stable", type: "classic")
        group.members = [MemberSnapshot(id: "m-1", clientID: "c", host: "/127.0.0.1", assignment: [.init("t", 0), .init("t", 1)])]
        group.partitions = [
            GroupPartitionSnapshot(partition: .init("t", 0), committed: 20, start: 5, end: 25, member: "m-1"),
            GroupPartitionSnapshot(partition: .init("t", 1)),
        ]
        group.lag = 5
        snapshot.groups["g"] = group
        return snapshot
    }

    @Test func partitionsAndGroupsInKafkasColumns() {
        let topics = snapshot.topics.map(\.value)
        #expect(
            SnapshotListings.partitions(topics).text(.csv)
                == "topic,partition,leader,leaderEpoch,replicas,isr,logStartOffset,logEndOffset,messages,size\n"
                + "t,0,1,3,1 2,1,5,25,20,\nt,1,,,2,,,,,\n")
        let groups = snapshot.groups.map(\.value)
        #expect(
            SnapshotListings.lag(groups).text(.jsonl)
                == "{\"group\":\"g\",\"topic\":\"t\",\"partition\":0,\"currentOffset\":20,\"logEndOffset\":25,\"lag\":5,"
                + "\"consumerId\":\"m-1\",\"host\":\"/127.0.0.1\",\"clientId\":\"c\"}\n"
                + "{\"group\":\"g\",\"topic\":\"t\",\"partition\":1,\"currentOffset\":null,\"logEndOffset\":null,\"lag\":null,"
                + "\"consumerId\":null,\"host\":null,\"clientId\":null}\n")
        #expect(
            SnapshotListings.members(groups).text(.table) == """
                GROUP  CONSUMER-ID  GROUP-INSTANCE-ID  HOST        CLIENT-ID  #PARTITIONS  CURRENT-EPOCH  CURRENT-ASSIGNMENT  \
                TARGET-EPOCH  TARGET-ASSIGNMENT
                g      m-1          -                  /127.0.0.1  c                    2              -  t-0,t-1             \
                           -  -

                """)
    }
}
