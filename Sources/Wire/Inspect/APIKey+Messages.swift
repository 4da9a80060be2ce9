/// Which structures belong to a key: for whatever treats all APIs alike, such as the inspector, the schema and tests.
extension APIKey {
    package var requestType: any WireRequest.Type {
        switch self {
        case .produce: ProduceRequest.self
        case .fetch: FetchRequest.self
        case .listOffsets: ListOffsetsRequest.self
        case .metadata: MetadataRequest.self
        case .offsetCommit: OffsetCommitRequest.self
        case .offsetFetch: OffsetFetchRequest.self
        case .findCoordinator: FindCoordinatorRequest.self
        case .joinGroup: JoinGroupRequest.self
        case .heartbeat: HeartbeatRequest.self
        case .leaveGroup: LeaveGroupRequest.self
        case .syncGroup: SyncGroupRequest.self
        case .describeGroups: DescribeGroupsRequest.self
        case .listGroups: ListGroupsRequest.self
        case .saslHandshake: SaslHandshakeRequest.self
        case .apiVersions: ApiVersionsRequest.self
        case .createTopics: CreateTopicsRequest.self
        case .deleteTopics: DeleteTopicsRequest.self
        case .deleteRecords: DeleteRecordsRequest.self
        case .initProducerID: InitProducerIDRequest.self
        case .offsetForLeaderEpoch: OffsetForLeaderEpochRequest.self
        case .describeConfigs: DescribeConfigsRequest.self
        case .alterConfigs: AlterConfigsRequest.self
        case .describeLogDirs: DescribeLogDirsRequest.self
        case .saslAuthenticate: SaslAuthenticateRequest.self
        case .createPartitions: CreatePartitionsRequest.self
        case .deleteGroups: DeleteGroupsRequest.self
        case .electLeaders: ElectLeadersRequest.self
        case .incrementalAlterConfigs: IncrementalAlterConfigsRequest.self
        case .alterPartitionReassignments: AlterPartitionReassignmentsRequest.self
        case .listPartitionReassignments: ListPartitionReassignmentsRequest.self
        case .offsetDelete: OffsetDeleteRequest.self
        case .describeQuorum: DescribeQuorumRequest.self
        case .describeCluster: DescribeClusterRequest.self
        case .describeProducers: DescribeProducersRequest.self
        case .consumerGroupDescribe: ConsumerGroupDescribeRequest.self
        case .describeTopicPartitions: DescribeTopicPartitionsRequest.self
        }
    }

    package var responseType: any WireResponse.Type {
        switch self {
        case .produce: ProduceResponse.self
        case .fetch: FetchResponse.self
        case .listOffsets: ListOffsetsResponse.self
        case .metadata: MetadataResponse.self
        case .offsetCommit: OffsetCommitResponse.self
        case .offsetFetch: OffsetFetchResponse.self
        case .findCoordinator: FindCoordinatorResponse.self
        case .joinGroup: JoinGroupResponse.self
        case .heartbeat: HeartbeatResponse.self
        case .leaveGroup: LeaveGroupResponse.self
        case .syncGroup: SyncGroupResponse.self
        case .describeGroups: DescribeGroupsResponse.self
        case .listGroups: ListGroupsResponse.self
        case .saslHandshake: SaslHandshakeResponse.self
        case .apiVersions: ApiVersionsResponse.self
        case .createTopics: CreateTopicsResponse.self
        case .deleteTopics: DeleteTopicsResponse.self
        case .deleteRecords: DeleteRecordsResponse.self
        case .initProducerID: InitProducerIDResponse.self
        case .offsetForLeaderEpoch: OffsetForLeaderEpochResponse.self
        case .describeConfigs: DescribeConfigsResponse.self
        case .alterConfigs: AlterConfigsResponse.self
        case .describeLogDirs: DescribeLogDirsResponse.self
        case .saslAuthenticate: SaslAuthenticateResponse.self
        case .createPartitions: CreatePartitionsResponse.self
        case .deleteGroups: DeleteGroupsResponse.self
        case .electLeaders: ElectLeadersResponse.self
        case .incrementalAlterConfigs: IncrementalAlterConfigsResponse.self
        case .alterPartitionReassignments: AlterPartitionReassignmentsResponse.self
        case .listPartitionReassignments: ListPartitionReassignmentsResponse.self
        case .offsetDelete: OffsetDeleteResponse.self
        case .describeQuorum: DescribeQuorumResponse.self
        case .describeCluster: DescribeClusterResponse.self
        case .describeProducers: DescribeProducersResponse.self
        case .consumerGroupDescribe: ConsumerGroupDescribeResponse.self
        case .describeTopicPartitions: DescribeTopicPartitionsResponse.self
        }
    }
}
