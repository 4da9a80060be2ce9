import Primitives
import Records

/// What a partition has committed, as the first replica showed it whose high watermark passed it. Every other replica, then and later,
/// must hold the same batches below its own high watermark, and every leader must have all of it.
final class CommittedLog {
    struct Batch: Equatable {
        var base: Int64
        var last: Int64
        var epoch: Int32
        var checksum: UInt32

        init(_ header: BatchHeader) {
            (base, last) = (header.baseOffset.rawValue, header.lastOffset.rawValue)
            (epoch, checksum) = (header.partitionLeaderEpoch.rawValue, header.crc)
        }
    }

    let name: TopicPartition
    private(set) var batches: [Batch] = []
    /// Everything below is committed.
    private(set) var end: Int64 = 0
    /// Nobody may hold anything different, but what is gone is gone: set where a fault beyond what the cluster must survive was played.
    var isForgiven = false

    /// What each leader's log was when it began: where it ended, and which epochs it had.
    var begins: [(epoch: LeaderEpoch, end: Offset, epochs: [(epoch: LeaderEpoch, startOffset: Offset)])] = []
    /// How far each leader epoch committed.
    private var endsByEpoch: OrderedMap<Int32, Int64> = OrderedMap()

    init(_ name: TopicPartition) { self.name = name }

    /// A leader of this epoch has committed all below `end`.
    func committed(_ end: Int64, by epoch: Int32) { endsByEpoch[epoch] = max(end, endsByEpoch[epoch] ?? 0) }

    /// What a leader of this epoch must have: all that leaders of earlier epochs committed. One that learns late of its election need not
    /// have what its successors did.
    func end(before epoch: Int32) -> Int64 {
        endsByEpoch.reduce(0) { $1.key < epoch ? max($0, $1.value) : $0 }
    }

    /// Takes in a batch below some replica's high watermark. Says what is wrong with it; true where it is news. Compaction takes records
    /// from inside a batch, or all of it; what is left stands where it stood.
    func take(_ header: BatchHeader, isCompacted: Bool) -> (isNew: Bool, problem: String?) {
        var batch = Batch(header)
        if batch.base >= end {
            batches.append(batch)
            end = batch.last + 1
            return (true, nil)
        }
        guard let known = find(batch.base) else { return (false, "offset \(batch.base) is in no committed batch") }
        if isCompacted { batch.checksum = known.checksum }
        guard known == batch else {
            return (false, "committed \(CommittedLog.text(known)), but here stands \(CommittedLog.text(batch))")
        }
        return (false, nil)
    }

    private func find(_ base: Int64) -> Batch? {
        var (low, high) = (0, batches.count)
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].base < base { low = middle + 1 } else { high = middle }
        }
        return low < batches.count && batches[low].base == base ? batches[low] : nil
    }

    private static func text(_ batch: Batch) -> String {
        "offsets \(batch.base)–\(batch.last) of epoch \(batch.epoch), checksum \(batch.checksum)"
    }
}
