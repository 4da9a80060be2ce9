import Wire

extension RouteTable {
    /// The rows of the group coordinator, one file per API key.
    static let groupRoutes: [Route] = [
        Route(FindCoordinatorRequest.self) { $0.handleFindCoordinator($1, $2) },
        Route(JoinGroupRequest.self) { $0.handleJoinGroup($1, $2) },
        Route(SyncGroupRequest.self) { $0.handleSyncGroup($1, $2) },
        Route(HeartbeatRequest.self) { $0.handleHeartbeat($1, $2) },
        Route(LeaveGroupRequest.self) { $0.handleLeaveGroup($1, $2) },
        Route(OffsetCommitRequest.self) { $0.handleOffsetCommit($1, $2) },
        Route(OffsetFetchRequest.self) { $0.handleOffsetFetch($1, $2) },
        Route(OffsetDeleteRequest.self) { $0.handleOffsetDelete($1, $2) },
        Route(DescribeGroupsRequest.self) { $0.handleDescribeGroups($1, $2) },
        Route(ListGroupsRequest.self) { $0.handleListGroups($1, $2) },
        Route(ConsumerGroupHeartbeatRequest.self) { $0.handleConsumerGroupHeartbeat($1, $2) },
        Route(ConsumerGroupDescribeRequest.self) { $0.handleConsumerGroupDescribe($1, $2) },
        Route(ShareGroupHeartbeatRequest.self) { $0.handleShareGroupHeartbeat($1, $2) },
        Route(ShareGroupDescribeRequest.self) { $0.handleShareGroupDescribe($1, $2) },
        Route(DescribeShareGroupOffsetsRequest.self) { $0.handleDescribeShareGroupOffsets($1, $2) },
        Route(AlterShareGroupOffsetsRequest.self) { $0.handleAlterShareGroupOffsets($1, $2) },
        Route(DeleteShareGroupOffsetsRequest.self) { $0.handleDeleteShareGroupOffsets($1, $2) },
        Route(DeleteGroupsRequest.self) { $0.handleDeleteGroups($1, $2) },
    ]
}
