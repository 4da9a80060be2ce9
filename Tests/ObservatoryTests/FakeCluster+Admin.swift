import ClientCore
import Primitives
import Wire

// Transactions, access rules, quotas and users of the fake cluster.
extension FakeCluster {
    struct FakeTransaction {
        var producer: Int64
        var state = "Ongoing"
        var epoch: Int16 = 0
        var coordinator: Int32 = 1
        var startedAt: Int64 = 0
        var partitions: [TopicPartition] = []
    }

    /// Makes a producer with a transaction open in a partition.
    mutating func open(_ partition: TopicPartition, producer: Int64, at offset: Int64, last: Int64 = 0) {
        var row = DescribeProducersResponse.Producer()
        (row.producerID, row.producerEpoch, row.lastTimestamp, row.coordinatorEpoch) = (producer, 3, last, -1)
        row.currentTxnStartOffset = offset
        openProducers[partition, default: []].append(row)
    }

    mutating func administration(_ message: any WireMessage, _ broker: Int32) -> (any WireMessage)? {
        switch message {
        case let request as ListTransactionsRequest: return listTransactions(request, broker)
        case let request as DescribeTransactionsRequest: return describe(request)
        case let request as DescribeProducersRequest: return describe(request)
        case let request as WriteTxnMarkersRequest: return write(request)
        case let request as InitProducerIDRequest: return fence(request)
        case is DescribeAclsRequest: return rules
        case is DescribeClientQuotasRequest: return quotaAnswer
        case is DescribeUserScramCredentialsRequest: return userAnswer
        case let request as AlterUserScramCredentialsRequest: return alter(request)
        case is ApiVersionsRequest: return silent.contains(broker) ? nil : versions[broker]
        default: return nil
        }
    }

    private func listTransactions(_ request: ListTransactionsRequest, _ broker: Int32) -> ListTransactionsResponse {
        var response = ListTransactionsResponse()
        response.transactionStates = transactions.filter { $0.value.coordinator == broker }.sorted { $0.key < $1.key }
            .filter { request.producerIDFilters.isEmpty || request.producerIDFilters.contains($0.value.producer) }
            .map { id, known in
                var state = ListTransactionsResponse.TransactionState()
                (state.transactionalID, state.producerID, state.transactionState) = (id, known.producer, known.state)
                return state
            }
        return response
    }

    private func describe(_ request: DescribeTransactionsRequest) -> DescribeTransactionsResponse {
        var response = DescribeTransactionsResponse()
        response.transactionStates = request.transactionalIDs.map { id in
            var state = DescribeTransactionsResponse.TransactionState()
            state.transactionalID = id
            guard let known = transactions[id] else {
                state.errorCode = .transactionalIDNotFound
                return state
            }
            (state.producerID, state.producerEpoch, state.transactionState) = (known.producer, known.epoch, known.state)
            (state.transactionTimeoutMs, state.transactionStartTimeMs) = (60_000, known.state == "Ongoing" ? known.startedAt : -1)
            state.topics = known.partitions.map { partition in
                var topic = DescribeTransactionsResponse.Topic()
                (topic.topic, topic.partitions) = (partition.topic, [partition.partition])
                return topic
            }
            return state
        }
        return response
    }

    private func describe(_ request: DescribeProducersRequest) -> DescribeProducersResponse {
        var response = DescribeProducersResponse()
        response.topics = request.topics.map { asked in
            var topic = DescribeProducersResponse.Topic()
            topic.name = asked.name
            topic.partitions = asked.partitionIndexes.map { index in
                var row = DescribeProducersResponse.Partition()
                row.partitionIndex = index
                if let code = producerErrors[TopicPartition(asked.name, index)] { row.errorCode = code }
                row.activeProducers = openProducers[TopicPartition(asked.name, index)] ?? []
                return row
            }
            return topic
        }
        return response
    }

    private mutating func write(_ request: WriteTxnMarkersRequest) -> WriteTxnMarkersResponse {
        var response = WriteTxnMarkersResponse()
        for marker in request.markers {
            var answer = WriteTxnMarkersResponse.Marker()
            answer.producerID = marker.producerID
            for topic in marker.topics {
                var row = WriteTxnMarkersResponse.Topic()
                row.name = topic.name
                for index in topic.partitionIndexes {
                    let place = TopicPartition(topic.name, index)
                    if !isLying, marker.producerEpoch == 3 {
                        openProducers[place] = openProducers[place]?.map { known in
                            var known = known
                            if known.producerID == marker.producerID { known.currentTxnStartOffset = -1 }
                            return known
                        }
                    }
                    var partition = WriteTxnMarkersResponse.Partition()
                    (partition.partitionIndex, partition.errorCode) = (index, marker.producerEpoch == 3 ? .none : .invalidProducerEpoch)
                    row.partitions.append(partition)
                }
                answer.topics.append(row)
            }
            response.markers.append(answer)
        }
        return response
    }

    private mutating func fence(_ request: InitProducerIDRequest) -> InitProducerIDResponse {
        var response = InitProducerIDResponse()
        let id = request.transactionalID ?? ""
        if transactions[id]?.state == "Ongoing" { response.errorCode = .concurrentTransactions }
        if !isLying { transactions[id]?.state = "CompleteAbort" }
        return response
    }

    private var rules: DescribeAclsResponse {
        var response = DescribeAclsResponse()
        var resource = DescribeAclsResponse.Resource()
        (resource.resourceType, resource.resourceName, resource.patternType) = (ResourceType.topic.rawValue, "orders", 3)
        var acl = DescribeAclsResponse.ACL()
        (acl.principal, acl.host, acl.operation, acl.permissionType) = ("User:alice", "*", AccessOperation.read.rawValue, 3)
        resource.acls = [acl]
        response.resources = [resource]
        return response
    }

    private var quotaAnswer: DescribeClientQuotasResponse {
        var response = DescribeClientQuotasResponse()
        var entry = DescribeClientQuotasResponse.Entry()
        var entity = DescribeClientQuotasResponse.Entity()
        (entity.entityType, entity.entityName) = ("user", nil)
        var value = DescribeClientQuotasResponse.Value()
        (value.key, value.value) = ("producer_byte_rate", 1000)
        (entry.entity, entry.values) = ([entity], [value])
        response.entries = [entry]
        return response
    }

    private var userAnswer: DescribeUserScramCredentialsResponse {
        var response = DescribeUserScramCredentialsResponse()
        response.results = logins.sorted { $0.key < $1.key }.map { name, mechanisms in
            var user = DescribeUserScramCredentialsResponse.Result()
            user.user = name
            user.credentialInfos = mechanisms.map { mechanism in
                var info = DescribeUserScramCredentialsResponse.CredentialInfo()
                (info.mechanism, info.iterations) = (mechanism, 4096)
                return info
            }
            return user
        }
        return response
    }

    private mutating func alter(_ request: AlterUserScramCredentialsRequest) -> AlterUserScramCredentialsResponse {
        if !isLying {
            for deletion in request.deletions { logins[deletion.name]?.removeAll { $0 == deletion.mechanism } }
            for row in request.upsertions {
                saltedPasswords[row.name] = row.saltedPassword
                if logins[row.name]?.contains(row.mechanism) != true { logins[row.name, default: []].append(row.mechanism) }
            }
        }
        return AlterUserScramCredentialsResponse()
    }
}
