/// Versions of every described API, one line each: key, name, described versions, first flexible version (99: none), versions our broker
/// advertises to clients, and those a controller serves on its own listener (-: none). Ranges are those of Kafka 4.3; what we advertise
/// is what our broker really serves.
enum APITable {
    struct Row {
        let name: String
        let valid: ClosedRange<Int16>
        let flexibleFrom: Int16
        let advertised: ClosedRange<Int16>?
        let controller: ClosedRange<Int16>?
    }

    static func row(_ key: APIKey) -> Row { rows[Int(key.rawValue)]! }

    /// Index = key.
    private static let rows: [Row?] = {
        var rows = [Row?](repeating: nil, count: 128)
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            let flexibleFrom = Int16(parts[3])!
            rows[Int(parts[0])!] = Row(
                name: String(parts[1]), valid: range(parts[2])!, flexibleFrom: flexibleFrom == 99 ? .max : flexibleFrom,
                advertised: range(parts[4]), controller: range(parts[5]))
        }
        return rows
    }()

    private static func range(_ text: Substring) -> ClosedRange<Int16>? {
        let ends = text.split(separator: "-").compactMap { Int16($0) }
        return ends.count == 2 ? ends[0]...ends[1] : nil
    }

    private static let text = """
        0 Produce 3-13 9 0-13 -
        1 Fetch 4-18 12 4-18 4-18
        2 ListOffsets 1-11 6 1-11 -
        3 Metadata 0-13 9 0-13 -
        8 OffsetCommit 2-10 8 2-10 -
        9 OffsetFetch 1-10 6 1-10 -
        10 FindCoordinator 0-6 3 0-6 -
        11 JoinGroup 0-9 6 0-9 -
        12 Heartbeat 0-4 4 0-4 -
        13 LeaveGroup 0-5 4 0-5 -
        14 SyncGroup 0-5 4 0-5 -
        15 DescribeGroups 0-6 5 0-6 -
        16 ListGroups 0-5 3 0-5 -
        17 SaslHandshake 0-1 99 0-1 0-1
        18 ApiVersions 0-4 3 0-4 0-4
        19 CreateTopics 2-7 5 2-7 2-7
        20 DeleteTopics 1-6 4 1-6 1-6
        21 DeleteRecords 0-2 2 0-2 -
        22 InitProducerId 0-6 2 0-5 -
        23 OffsetForLeaderEpoch 2-4 4 2-4 -
        24 AddPartitionsToTxn 0-5 3 0-5 -
        25 AddOffsetsToTxn 0-4 3 0-4 -
        26 EndTxn 0-5 3 0-5 -
        27 WriteTxnMarkers 1-2 1 1-2 -
        28 TxnOffsetCommit 0-5 3 0-5 -
        29 DescribeAcls 1-3 2 1-3 1-3
        30 CreateAcls 1-3 2 1-3 1-3
        31 DeleteAcls 1-3 2 1-3 1-3
        32 DescribeConfigs 1-4 4 1-4 1-4
        33 AlterConfigs 0-2 2 0-2 0-2
        34 AlterReplicaLogDirs 1-2 2 1-2 -
        35 DescribeLogDirs 1-5 2 1-5 -
        36 SaslAuthenticate 0-2 2 0-2 0-2
        37 CreatePartitions 0-3 2 0-3 0-3
        42 DeleteGroups 0-2 2 0-2 -
        43 ElectLeaders 0-2 2 0-2 0-2
        44 IncrementalAlterConfigs 0-1 1 0-1 0-1
        45 AlterPartitionReassignments 0-1 0 0-1 0-1
        46 ListPartitionReassignments 0-0 0 0-0 0-0
        47 OffsetDelete 0-0 99 0-0 -
        48 DescribeClientQuotas 0-1 1 0-1 0-1
        49 AlterClientQuotas 0-1 1 0-1 0-1
        50 DescribeUserScramCredentials 0-0 0 0-0 -
        51 AlterUserScramCredentials 0-0 0 0-0 0-0
        52 Vote 0-2 0 - 0-2
        53 BeginQuorumEpoch 0-1 1 - 0-1
        54 EndQuorumEpoch 0-1 1 - 0-1
        55 DescribeQuorum 0-2 0 0-2 0-2
        56 AlterPartition 2-3 0 - 2-3
        57 UpdateFeatures 0-2 0 0-2 0-2
        58 Envelope 0-0 0 - 0-0
        59 FetchSnapshot 0-1 0 - 0-1
        60 DescribeCluster 0-2 0 0-2 0-2
        61 DescribeProducers 0-0 0 0-0 -
        62 BrokerRegistration 0-4 0 - 0-4
        63 BrokerHeartbeat 0-2 0 - 0-2
        64 UnregisterBroker 0-0 0 0-0 0-0
        65 DescribeTransactions 0-0 0 0-0 -
        66 ListTransactions 0-2 0 0-2 -
        67 AllocateProducerIds 0-0 0 - 0-0
        68 ConsumerGroupHeartbeat 0-1 0 0-1 -
        69 ConsumerGroupDescribe 0-1 0 0-1 -
        70 ControllerRegistration 0-0 0 - 0-0
        73 AssignReplicasToDirs 0-0 0 - 0-0
        74 ListConfigResources 0-1 0 0-1 -
        75 DescribeTopicPartitions 0-0 0 0-0 -
        76 ShareGroupHeartbeat 1-1 0 1-1 -
        77 ShareGroupDescribe 1-1 0 1-1 -
        78 ShareFetch 1-2 0 1-2 -
        79 ShareAcknowledge 1-2 0 1-2 -
        83 InitializeShareGroupState 0-0 0 0-0 -
        84 ReadShareGroupState 0-0 0 0-0 -
        85 WriteShareGroupState 0-1 0 0-1 -
        86 DeleteShareGroupState 0-0 0 0-0 -
        87 ReadShareGroupStateSummary 0-1 0 0-1 -
        90 DescribeShareGroupOffsets 0-1 0 0-1 -
        91 AlterShareGroupOffsets 0-0 0 0-0 -
        92 DeleteShareGroupOffsets 0-0 0 0-0 -
        """

    /// Names of the keys that are not described here.
    static let otherNames: [Int16: String] = [
        4: "LeaderAndIsr", 5: "StopReplica", 6: "UpdateMetadata", 7: "ControlledShutdown", 38: "CreateDelegationToken",
        39: "RenewDelegationToken", 40: "ExpireDelegationToken", 41: "DescribeDelegationToken", 71: "GetTelemetrySubscriptions",
        72: "PushTelemetry", 80: "AddRaftVoter", 81: "RemoveRaftVoter", 82: "UpdateRaftVoter", 88: "StreamsGroupHeartbeat",
        89: "StreamsGroupDescribe",
    ]
}
