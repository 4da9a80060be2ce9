/// The requests this codec describes, by Kafka's API key. `validVersions` is what the codec understands, `advertisedVersions` what
/// our own broker offers its clients, `controllerVersions` what a controller offers brokers and other controllers.
package enum APIKey: Int16, CaseIterable, Sendable {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case offsetCommit = 8
    case offsetFetch = 9
    case findCoordinator = 10
    case joinGroup = 11
    case heartbeat = 12
    case leaveGroup = 13
    case syncGroup = 14
    case describeGroups = 15
    case listGroups = 16
    case saslHandshake = 17
    case apiVersions = 18
    case createTopics = 19
    case deleteTopics = 20
    case deleteRecords = 21
    case initProducerID = 22
    case offsetForLeaderEpoch = 23
    case addPartitionsToTxn = 24
    case addOffsetsToTxn = 25
    case endTxn = 26
    case writeTxnMarkers = 27
    case txnOffsetCommit = 28
    case describeAcls = 29
    case createAcls = 30
    case deleteAcls = 31
    case describeConfigs = 32
    case alterConfigs = 33
    case alterReplicaLogDirs = 34
    case describeLogDirs = 35
    case saslAuthenticate = 36
    case createPartitions = 37
    case deleteGroups = 42
    case electLeaders = 43
    case incrementalAlterConfigs = 44
    case alterPartitionReassignments = 45
    case listPartitionReassignments = 46
    case offsetDelete = 47
    case describeClientQuotas = 48
    case alterClientQuotas = 49
    case describeUserScramCredentials = 50
    case alterUserScramCredentials = 51
    case vote = 52
    case beginQuorumEpoch = 53
    case endQuorumEpoch = 54
    case describeQuorum = 55
    case alterPartition = 56
    case updateFeatures = 57
    case envelope = 58
    case fetchSnapshot = 59
    case describeCluster = 60
    case describeProducers = 61
    case brokerRegistration = 62
    case brokerHeartbeat = 63
    case unregisterBroker = 64
    case describeTransactions = 65
    case listTransactions = 66
    case allocateProducerIDs = 67
    case consumerGroupHeartbeat = 68
    case consumerGroupDescribe = 69
    case controllerRegistration = 70
    case assignReplicasToDirs = 73
    case listConfigResources = 74
    case describeTopicPartitions = 75
    case shareGroupHeartbeat = 76
    case shareGroupDescribe = 77
    case shareFetch = 78
    case shareAcknowledge = 79
    case initializeShareGroupState = 83
    case readShareGroupState = 84
    case writeShareGroupState = 85
    case deleteShareGroupState = 86
    case readShareGroupStateSummary = 87
    case describeShareGroupOffsets = 90
    case alterShareGroupOffsets = 91
    case deleteShareGroupOffsets = 92

    /// Kafka's name, such as "OffsetFetch".
    package var name: String { APITable.row(self).name }
    /// The versions whose fields are described here.
    package var validVersions: ClosedRange<Int16> { APITable.row(self).valid }
    /// The first version with compact lengths and tagged fields (KIP-482); `Int16.max` where there is none.
    package var flexibleFrom: Int16 { APITable.row(self).flexibleFrom }
    /// What our broker tells clients it serves. Produce begins at 0 though 0 to 2 are refused: librdkafka before 2.11.1 sends
    /// uncompressed, or not at all, to a broker whose range does not include them (KAFKA-18659).
    package var advertisedVersions: ClosedRange<Int16>? { APITable.row(self).advertised }

    /// What the controller listener serves: Kafka's own division, in which what nodes say to each other is no client's business.
    package var controllerVersions: ClosedRange<Int16>? { APITable.row(self).controller }

    package func isFlexible(_ version: Int16) -> Bool { version >= flexibleFrom }

    /// The name of any key Kafka 4.3 has, described here or not, for inspectors; "Api999" of an unknown one.
    package static func name(of key: Int16) -> String {
        if let known = APIKey(rawValue: key) { return known.name }
        return APITable.otherNames[key] ?? "Api\(key)"
    }
}

extension APIKey: CustomStringConvertible {
    package var description: String { name }
}
