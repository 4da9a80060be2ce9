import Controller
import Primitives
import Wire

extension RouteTable {
    /// The rows of topics, configs, quorum and cluster administration.
    static let adminRoutes: [Route] = [
        Route(forwarded: CreateTopicsRequest.self) { $0.handleCreateTopics($1, $2) },
        Route(forwarded: DeleteTopicsRequest.self) { $0.handleDeleteTopics($1, $2) },
        Route(forwarded: CreatePartitionsRequest.self) { $0.handleCreatePartitions($1, $2) },
        Route(DescribeConfigsRequest.self) { $0.handleDescribeConfigs($1, $2) },
        Route(forwarded: AlterConfigsRequest.self) { $0.handleAlterConfigs($1, $2) },
        Route(forwarded: IncrementalAlterConfigsRequest.self) { $0.handleIncrementalAlterConfigs($1, $2) },
        Route(DeleteRecordsRequest.self) { $0.handleDeleteRecords($1, $2) },
        Route(DescribeClusterRequest.self) { $0.handleDescribeCluster($1, $2) },
        Route(DescribeLogDirsRequest.self) { $0.handleDescribeLogDirs($1, $2) },
        Route(AlterReplicaLogDirsRequest.self) { $0.handleAlterReplicaLogDirs($1, $2) },
        Route(ListConfigResourcesRequest.self) { $0.handleListConfigResources($1, $2) },
        Route(forwarded: UpdateFeaturesRequest.self, needs: .alter) { $0.handleUpdateFeatures($1, $2) },
        Route(DescribeTopicPartitionsRequest.self) { $0.handleDescribeTopicPartitions($1, $2) },
        Route(forwarded: DescribeQuorumRequest.self, needs: .describe) { $0.handleDescribeQuorum($1, $2) },
        Route(DescribeProducersRequest.self) { $0.handleDescribeProducers($1, $2) },
        Route(forwarded: ElectLeadersRequest.self, needs: .alter) { $0.handleElectLeaders($1, $2) },
        Route(forwarded: AlterPartitionReassignmentsRequest.self, needs: .alter) { $0.handleAlterPartitionReassignments($1, $2) },
        Route(forwarded: UnregisterBrokerRequest.self, needs: .alter) { $0.handleUnregisterBroker($1, $2) },
        Route(forwarded: ListPartitionReassignmentsRequest.self, needs: .describe) { $0.handleListPartitionReassignments($1, $2) },
    ]
}
