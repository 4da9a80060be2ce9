import Controller
import Primitives
import Wire

extension RouteTable {
    /// The rows of topics, configs, quorum and cluster administration.
    static let adminRoutes: [Route] = [
        Route(CreateTopicsRequest.self, at: .activeController) { $0.handleCreateTopics($1, $2) },
        Route(DeleteTopicsRequest.self, at: .activeController) { $0.handleDeleteTopics($1, $2) },
        Route(CreatePartitionsRequest.self, at: .activeController) { $0.handleCreatePartitions($1, $2) },
        Route(DescribeConfigsRequest.self) { $0.handleDescribeConfigs($1, $2) },
        Route(AlterConfigsRequest.self, at: .activeController) { $0.handleAlterConfigs($1, $2) },
        Route(IncrementalAlterConfigsRequest.self, at: .activeController) { $0.handleIncrementalAlterConfigs($1, $2) },
        Route(DeleteRecordsRequest.self) { $0.handleDeleteRecords($1, $2) },
        Route(DescribeClusterRequest.self) { $0.handleDescribeCluster($1, $2) },
        Route(DescribeLogDirsRequest.self) { $0.handleDescribeLogDirs($1, $2) },
        Route(DescribeTopicPartitionsRequest.self) { $0.handleDescribeTopicPartitions($1, $2) },
        Route(DescribeQuorumRequest.self, at: .activeController) { $0.handleDescribeQuorum($1, $2) },
        Route(DescribeProducersRequest.self) { $0.handleDescribeProducers($1, $2) },
        Route(ElectLeadersRequest.self, at: .activeController) { $0.handleElectLeaders($1, $2) },
        Route(AlterPartitionReassignmentsRequest.self, at: .activeController) { $0.handleAlterPartitionReassignments($1, $2) },
        Route(ListPartitionReassignmentsRequest.self, at: .activeController) { $0.handleListPartitionReassignments($1, $2) },
    ]
}
