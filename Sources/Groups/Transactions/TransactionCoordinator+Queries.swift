import Primitives
import Wire

/// What changes nothing: describe, list (KIP-664, KIP-994, KIP-1152).
extension TransactionCoordinator {
    package func describe(_ transactionalID: String, now: Now) -> DescribeTransactionsResponse.TransactionState {
        var row = DescribeTransactionsResponse.TransactionState()
        row.transactionalID = transactionalID
        if transactionalID.isEmpty {
            row.errorCode = .invalidRequest
        } else if let error = unavailability(of: transactionalID) {
            row.errorCode = error
        } else if let known = self[transactionalID], known.producerEpoch >= 0, known.state != .dead {
            row.transactionState = known.state.name
            row.transactionTimeoutMs = known.timeoutMs
            row.transactionStartTimeMs = known.start.milliseconds
            row.producerID = known.producerID
            row.producerEpoch = known.producerEpoch
            for place in known.partitions.keys {
                if row.topics.last?.topic != place.topic {
                    row.topics.append(DescribeTransactionsResponse.Topic())
                    row.topics[row.topics.count - 1].topic = place.topic
                }
                row.topics[row.topics.count - 1].partitions.append(place.partition)
            }
        } else {
            row.errorCode = .transactionalIDNotFound
        }
        return row
    }

    /// The transactions of all active partitions, through the request's filters. States that do not exist are told and let nothing through;
    /// a pattern has to match the whole transactional id.
    package func list(_ request: ListTransactionsRequest, now: Now) -> ListTransactionsResponse {
        var response = ListTransactionsResponse()
        var pattern: TopicPattern?
        if let text = request.transactionalIDPattern, !text.isEmpty {
            do { pattern = try TopicPattern(text) } catch {
                response.errorCode = .invalidRegularExpression
                return response
            }
        }
        if partitions.values.contains(where: \.isLoading) {
            response.errorCode = .coordinatorLoadInProgress
            return response
        }
        let states = request.stateFilters.compactMap { TransactionState.named($0) }
        response.unknownStateFilters = request.stateFilters.filter { TransactionState.named($0) == nil }
        for partition in partitions.values {
            for known in partition.transactions.values where known.producerEpoch >= 0 && known.state != .dead {
                guard request.stateFilters.isEmpty || states.contains(known.state) else { continue }
                guard request.producerIDFilters.isEmpty || request.producerIDFilters.contains(known.producerID) else { continue }
                if request.durationFilter >= 0 {
                    // Of a transaction that is over nobody asks how long it has run.
                    guard !known.state.isAtRest, known.start.milliseconds >= 0,
                        now.wall.milliseconds - known.start.milliseconds > request.durationFilter
                    else { continue }
                }
                guard pattern?.matches(known.transactionalID) ?? true else { continue }
                var row = ListTransactionsResponse.TransactionState()
                row.transactionalID = known.transactionalID
                row.producerID = known.producerID
                row.transactionState = known.state.name
                response.transactionStates.append(row)
            }
        }
        return response
    }
}
