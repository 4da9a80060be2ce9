import Primitives
import Records
import Wire

/// Leaves out the batches of aborted transactions, for one partition of a reader that reads committed messages only. The broker lists
/// the aborted transactions that touch what it sends; each is in force from its first offset to its marker, or to the end of what was sent:
/// where the marker is not in it, the next answer lists that transaction again.
struct TransactionFilter: Equatable, Sendable {
    /// Announced and not yet begun, by first offset.
    private var announced: [(producer: Int64, first: Offset)] = []
    private var aborting: [Int64] = []

    static func == (a: TransactionFilter, b: TransactionFilter) -> Bool {
        a.aborting == b.aborting && a.announced.count == b.announced.count
    }

    mutating func announce(_ transactions: [FetchResponse.AbortedTransaction]?) {
        aborting = []
        announced = (transactions ?? []).map { ($0.producerID, Offset($0.firstOffset)) }.sorted { $0.first < $1.first }
    }

    /// Whether a batch's messages are to be shown. Call for each batch, in order.
    mutating func admits(_ batch: RecordBatch, _ codecs: Codecs) -> Bool {
        while let next = announced.first, next.first <= batch.header.lastOffset {
            aborting.append(next.producer)
            announced.removeFirst()
        }
        guard batch.header.isTransactional, let place = aborting.firstIndex(of: batch.header.producerID) else { return true }
        if batch.header.isControl {
            let marker = (try? batch.records(codecs))?.first.flatMap { EndTransactionMarker($0) }
            if marker?.isCommit == false { aborting.remove(at: place) }
        }
        return false
    }
}
