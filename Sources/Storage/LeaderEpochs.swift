import Primitives
import Records

/// Which leader epoch wrote which offsets (KIP-101): each epoch with the offset it began at, both ascending. What a follower asks to
/// find where its log diverged. Kept in `leader-epoch-checkpoint`.
struct LeaderEpochs: Equatable {
    struct Entry: Equatable {
        var epoch: LeaderEpoch
        var startOffset: Offset
    }

    private(set) var entries: [Entry] = []

    var latest: LeaderEpoch? { entries.last?.epoch }

    /// Records that `epoch` begins at `startOffset`. Entries that it contradicts go: those of later epochs and those that start at or
    /// behind it. Says whether anything changed.
    mutating func assign(_ epoch: LeaderEpoch, at startOffset: Offset) -> Bool {
        guard epoch.rawValue >= 0, latest.map({ $0 < epoch }) ?? true || entries.last!.startOffset > startOffset else { return false }
        let before = entries
        entries.removeAll { $0.epoch >= epoch || $0.startOffset >= startOffset }
        entries.append(Entry(epoch: epoch, startOffset: startOffset))
        return entries != before
    }

    /// Forgets what begins at or behind `offset`: the log was cut there.
    mutating func truncate(to offset: Offset) -> Bool {
        let before = entries.count
        entries.removeAll { $0.startOffset >= offset }
        return entries.count != before
    }

    /// Forgets what ended before the log start; the epoch that holds it now begins there.
    mutating func dropBefore(_ logStart: Offset) -> Bool {
        guard let first = entries.first, first.startOffset < logStart else { return false }
        let holding = entries.last { $0.startOffset <= logStart }!
        entries.removeAll { $0.startOffset <= logStart }
        entries.insert(Entry(epoch: holding.epoch, startOffset: logStart), at: 0)
        return true
    }

    /// The largest epoch not above `epoch`, and where it ends. Kafka's rules: an epoch before the first known ends where that begins;
    /// one after the latest is unknown.
    func end(of epoch: LeaderEpoch, logEnd: Offset) -> (epoch: LeaderEpoch, endOffset: Offset)? {
        guard epoch.rawValue >= 0, let latest, epoch <= latest else { return nil }
        if epoch == latest { return (epoch, logEnd) }
        guard let next = entries.firstIndex(where: { $0.epoch > epoch }) else { return nil }
        let found = next == 0 ? epoch : entries[next - 1].epoch
        return (found, entries[next].startOffset)
    }

    func epoch(at offset: Offset) -> LeaderEpoch? { entries.last { $0.startOffset <= offset }?.epoch }

    static func read(_ text: String) -> LeaderEpochs? {
        guard let lines = Checkpoint.leaderEpochs(text) else { return nil }
        var out = LeaderEpochs()
        for line in lines { _ = out.assign(line.epoch, at: line.startOffset) }
        return out
    }

    var text: String { Checkpoint.text(entries.map { (epoch: $0.epoch, startOffset: $0.startOffset) }) }
}

/// The leader epochs of batches that are gone through in order, at recovery or as a leader sends them. Each batch tells its own epoch;
/// where that began, or one before it of which nothing is left, lies anywhere in the hole that compaction has left before the batch.
///
/// What is known of the hole from elsewhere is believed where no batch contradicts it: an epoch has one beginning. Of an epoch that is
/// not known the hole's first offset counts for its beginning. Were it the batch, a follower that has something of an earlier epoch in the
/// hole would be told that its log agrees, and keep what nobody committed; so it drops, at worst, what compaction has dropped here.
struct EpochWalk {
    let told: LeaderEpochs
    /// Behind the last batch.
    private(set) var end: Offset

    init(told: LeaderEpochs = LeaderEpochs(), from end: Offset) { (self.told, self.end) = (told, end) }

    /// The next batch. Says whether that changed anything.
    mutating func meet(_ header: BatchHeader, _ epochs: inout LeaderEpochs) -> Bool {
        defer { end = header.nextOffset }
        let epoch = header.partitionLeaderEpoch
        guard epochs.latest ?? .none < epoch else { return false }
        var isChanged = believe(&epochs, below: header.baseOffset + 1, upTo: epoch)
        if epochs.latest ?? .none < epoch {
            let first = max(end, epochs.entries.last.map { $0.startOffset + 1 } ?? end)
            isChanged = epochs.assign(epoch, at: min(first, header.baseOffset)) || isChanged
        }
        return isChanged
    }

    /// Something that is no batch, up to `offset`: what is told of it is all that is known.
    mutating func skip(to offset: Offset, _ epochs: inout LeaderEpochs) -> Bool {
        defer { end = max(end, offset) }
        return believe(&epochs, below: offset, upTo: nil)
    }

    private func believe(_ epochs: inout LeaderEpochs, below offset: Offset, upTo epoch: LeaderEpoch?) -> Bool {
        var isChanged = false
        for entry in told.entries where entry.startOffset >= end && entry.startOffset < offset {
            guard entry.epoch > epochs.latest ?? .none, epoch.map({ entry.epoch <= $0 }) ?? true else { continue }
            isChanged = epochs.assign(entry.epoch, at: entry.startOffset) || isChanged
        }
        return isChanged
    }
}
