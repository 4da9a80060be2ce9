import Primitives

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
