import Primitives
import Records

/// Follows the transactions of a log from its start: which data was aborted, and which markers have no data left to judge.
///
/// A marker stays as long as a batch of its transaction was seen before it, be it one that this very pass takes away; the pass after the
/// last data is gone finds it without any, and stamps it with the horizon after which it goes.
struct CleanerTransactions {
    /// Ascending by first offset; from `next` on they have not begun yet.
    private let aborted: [AbortedTransaction]
    private var next = 0
    private var aborting: [Int64: (transaction: AbortedTransaction, hasData: Bool)] = [:]
    /// Producers with data of a transaction that was not aborted.
    private var committing: [Int64: Bool] = [:]

    init(_ aborted: [AbortedTransaction]) {
        self.aborted = aborted.sorted { ($0.firstOffset, $0.lastOffset) < ($1.firstOffset, $1.lastOffset) }
    }

    private mutating func begin(upTo offset: Offset) {
        while next < aborted.count, aborted[next].firstOffset <= offset {
            aborting[aborted[next].producerID] = (aborted[next], false)
            next += 1
        }
    }

    /// A data batch. True where its transaction was aborted, so that all of it may go.
    mutating func isAborted(_ header: BatchHeader) -> Bool {
        begin(upTo: header.lastOffset)
        guard header.isTransactional else { return false }
        if let (transaction, _) = aborting[header.producerID], header.lastOffset <= transaction.lastOffset {
            aborting[header.producerID]?.hasData = true
            return true
        }
        committing[header.producerID] = true
        return false
    }

    /// A marker: whether no data of its transaction is left, and the aborted transaction that readers still have to hear of.
    mutating func ended(_ header: BatchHeader, isCommit: Bool) -> (isEmpty: Bool, stillAborted: AbortedTransaction?) {
        begin(upTo: header.lastOffset)
        if isCommit { return (committing.removeValue(forKey: header.producerID) == nil, nil) }
        guard let (transaction, hasData) = aborting.removeValue(forKey: header.producerID), hasData else { return (true, nil) }
        return (false, transaction)
    }
}
