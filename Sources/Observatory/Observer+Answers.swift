import ClientCore
import Primitives
import Wire

// Answers into the snapshot, and what they make possible to ask.
extension Observer {
    mutating func take(_ purpose: Purpose, _ result: AnswerResult, _ effects: inout Effects, now: Now) {
        do throws(ClientError) {
            switch purpose {
            case .metadata(let isWhole, let topics): try takeMetadata(result, isWhole, topics, &effects, now: now)
            case .listGroups(let broker): try takeList(result.of(ListGroupsResponse.self), broker, &effects, now: now)
            case .describeGroups(let ids):
                snapshot.fold(try result.of(DescribeGroupsResponse.self), at: now.wall)
                round?.groupsRead += ids
            case .describeConsumerGroups(let ids):
                snapshot.fold(try result.of(ConsumerGroupDescribeResponse.self), at: now.wall)
                round?.groupsRead += ids
            case .describeShareGroups(let ids):
                snapshot.fold(try result.of(ShareGroupDescribeResponse.self), at: now.wall)
                round?.groupsRead += ids
            case .shareOffsets(let ids):
                snapshot.fold(try result.of(DescribeShareGroupOffsetsResponse.self), at: now.wall)
                commitsKnown(ids, &effects)
            case .commits(let ids): try takeCommits(result.of(OffsetFetchResponse.self), ids, &effects, now: now)
            case .commitsOfOne(let id):
                snapshot.fold(try result.of(OffsetFetchResponse.self), of: id, at: now.wall)
                commitsKnown([id], &effects)
            case .offsets(let timestamp):
                let names = snapshot.fold(try result.of(ListOffsetsResponse.self), timestamp: timestamp, at: now.wall)
                if timestamp == ListOffsetsTime.latest { round?.topicsRead += names }
            case .logDirs(let broker, let topic):
                let answer = try result.of(DescribeLogDirsResponse.self)
                if let error = ClientError.of(answer.errorCode) { throw error }
                snapshot.fold(answer, of: broker, withReplicas: wantsReplicaSizes, only: topic != nil, at: now.wall)
            case .quorum: snapshot.fold(try result.of(DescribeQuorumResponse.self), at: now.wall)
            case .configs: snapshot.fold(try result.of(DescribeConfigsResponse.self), at: now.wall)
            case .replicaEnds(let broker, _): snapshot.foldLogEnds(try result.of(ListOffsetsResponse.self), of: broker, at: now.wall)
            case .reassignments: snapshot.fold(try result.of(ListPartitionReassignmentsResponse.self), at: now.wall)
            case .settings: snapshot.foldSettings(try result.of(DescribeConfigsResponse.self), at: now.wall)
            case .throttle(let broker): snapshot.foldThrottle(try result.of(DescribeConfigsResponse.self), of: broker)
            case .registrations: snapshot.fold(try result.of(DescribeClusterResponse.self))
            case .eligible: snapshot.fold(try result.of(DescribeTopicPartitionsResponse.self))
            case .unread(let partition, let asked):
                foldUnread(try result.of(FetchResponse.self), partition, asked, at: now.wall)
            case .stableOffsets: snapshot.foldStable(try result.of(ListOffsetsResponse.self))
            case .producers: snapshot.fold(try result.of(DescribeProducersResponse.self))
            default: try takeAdmin(purpose, result, &effects, now: now)
            }
        } catch {
            failed(purpose, error, &effects, now: now)
        }
    }

    private mutating func takeAdmin(
        _ purpose: Purpose, _ result: AnswerResult, _ effects: inout Effects, now: Now
    ) throws(ClientError) {
        switch purpose {
        case .listTransactions(let broker): try takeListed(result.of(ListTransactionsResponse.self), broker, &effects)
        case .describeTransactions(let broker): takeDescribed(try result.of(DescribeTransactionsResponse.self), broker, &effects)
        case .partitionProducers(let broker): takeProducers(try result.of(DescribeProducersResponse.self), broker, &effects)
        case .stableEnds: takeStableOffsets(try result.of(ListOffsetsResponse.self))
        case .access: try takeAccess(result.of(DescribeAclsResponse.self), at: now.wall)
        case .quotas: try takeQuotas(result.of(DescribeClientQuotasResponse.self), at: now.wall)
        case .overrides: snapshot.foldOverrides(try result.of(DescribeConfigsResponse.self))
        case .users: try takeUsers(result.of(DescribeUserScramCredentialsResponse.self), at: now.wall)
        case .versions(let broker): try takeVersions(result.of(ApiVersionsResponse.self), broker, at: now.wall)
        default: break
        }
    }

    private mutating func takeMetadata(
        _ result: AnswerResult, _ isWhole: Bool, _ topics: [String], _ effects: inout Effects, now: Now
    ) throws(ClientError) {
        let answer = try result.of(MetadataResponse.self)
        if let error = ClientError.of(answer.errorCode) { throw error }
        connected(now: now)
        let isFirst = snapshot.observations.metadata.time == nil
        let delta = try result.get().delta
        let isChanged = snapshot.fold(answer, isWhole: isWhole, asked: topics, delta: delta, at: now.wall)
        if let delta {
            knownMetadata = delta.revision
        } else if isChanged {
            // What is known is no longer what the last whole answer said: the next is to be read in full.
            knownMetadata = 0
        }
        guard isFirst && isLarge else { return askWithLeaders(&effects) }
        // What there is, is shown before anything is made of it.
        round?.owesPlan = true
        emit(&effects, now: now)
    }

    // MARK: Groups

    private mutating func takeList(
        _ answer: ListGroupsResponse, _ broker: BrokerID, _ effects: inout Effects, now: Now
    ) throws(ClientError) {
        if let error = ClientError.of(answer.errorCode) { throw error }
        snapshot.fold(answer, of: broker, at: now.wall)
        round?.listed += answer.groups.map(\.groupID)
        listed(broker, &effects)
    }

    private mutating func listed(_ broker: BrokerID, _ effects: inout Effects) {
        round?.listing.removeAll { $0 == broker }
        if round?.listing.isEmpty == true { askGroups(&effects) }
    }

    private mutating func takeCommits(
        _ answer: OffsetFetchResponse, _ ids: [String], _ effects: inout Effects, now: Now
    ) throws(ClientError) {
        if let error = ClientError.of(answer.errorCode) { throw error }
        for group in answer.groups { snapshot.fold(group, at: now.wall) }
        commitsKnown(ids, &effects)
    }

    /// Commits are known now: their partitions' ends make the lag, so those that the round did not ask for yet are asked for.
    private mutating func commitsKnown(_ ids: [String], _ effects: inout Effects) {
        round?.groupsRead += ids
        let topics = ids.flatMap { snapshot.groups[$0]?.topics ?? [] }.uniqued()
        askOffsets(of: topics.filter { snapshot.topics[$0] != nil }, &effects)
    }

    // MARK: Failures

    private mutating func connected(now: Now) {
        if !snapshot.connection.isConnected { snapshot.connection = .connected(since: now.wall) }
    }

    /// A part that could not be read keeps its last value; only Metadata failing means that the cluster is out of reach.
    private mutating func failed(_ purpose: Purpose, _ error: ClientError, _ effects: inout Effects, now: Now) {
        let reason = error.description
        switch purpose {
        case .metadata(let isWhole, let topics):
            if case .timedOut = error, round?.isMetadataRepeated == false { return repeatMetadata(isWhole, topics, &effects) }
            snapshot.observations.metadata.failed(reason)
            disconnected(error, now: now)
        case .listGroups(let broker):
            snapshot.observations.groups.failed(reason)
            round?.allListed = false
            listed(broker, &effects)
        case .describeGroups(let ids), .describeConsumerGroups(let ids), .describeShareGroups(let ids):
            for id in ids { snapshot.groups.update(id) { $0.observation.failed(reason) } }
        case .commits(let ids):
            guard case .unsupported = error else {
                for id in ids { snapshot.groups.update(id) { $0.offsetsObservation.failed(reason) } }
                return
            }
            hasBatchCommits = false
            if let coordinator = ids.first.flatMap({ snapshot.groups[$0]?.coordinator }) { askCommits(of: ids, coordinator, &effects) }
        case .commitsOfOne(let id): snapshot.groups.update(id) { $0.offsetsObservation.failed(reason) }
        case .shareOffsets(let ids): for id in ids { snapshot.groups.update(id) { $0.offsetsObservation.failed(reason) } }
        case .offsets: snapshot.observations.offsets.failed(reason)
        case .logDirs(let broker, _):
            snapshot.observations.logDirs.failed(reason)
            snapshot.brokers.update(broker) { $0.diskObservation.failed(reason) }
        case .quorum: snapshot.observations.quorum.failed(reason)
        case .replicaEnds(let broker, let names): snapshot.forgetLogEnds(of: broker, in: names)
        case .reassignments: snapshot.observations.reassignments.failed(reason)
        case .settings(let names): for name in names { snapshot.topics.update(name) { $0.settingsObservation.failed(reason) } }
        // Clusters before Kafka 4.0 know no such thing, and a throttle that cannot be read stays as it was seen.
        case .throttle, .registrations, .eligible: break
        // The time lag is then interpolated, and who holds a transaction open is not known.
        case .unread, .stableOffsets, .producers: break
        case .configs(let resource): snapshot.configs[resource, default: ConfigSnapshot()].observation.failed(reason)
        default: adminFailed(purpose, reason, &effects, at: now.wall)
        }
    }

    private mutating func disconnected(_ error: ClientError, now: Now) {
        switch error {
        case .unreachable, .disconnected, .timedOut, .stopped, .authenticationFailed:
            if case .disconnected(let since, _) = snapshot.connection {
                snapshot.connection = .disconnected(since: since, reason: error.description)
            } else {
                snapshot.connection = .disconnected(since: now.wall, reason: error.description)
            }
        default: break
        }
    }
}

extension GroupSnapshot {
    /// Groups that we know how to ask of: streams groups have APIs of their own.
    package static let readableTypes = ["", "classic", "consumer", "share", "Classic", "Consumer", "Share"]
}
