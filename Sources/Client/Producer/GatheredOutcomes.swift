import ClientCore
import Primitives

/// The outcomes of records that were gathered into one batch: one object for all of them, in which each has its place.
///
/// Owner: the ledger, under whose lock everything here is read and written, except that completions and timestamps, which do not change
/// once the batch is closed, are read without it from then on.
final class GatheredOutcomes: @unchecked Sendable {
    typealias Completion = @Sendable (Producer.Outcome) -> Void

    /// How records ended that stand side by side: the first one's place in the log, and the others follow it, or why they are not there.
    enum End {
        case written(TopicPartition, Offset)
        case lost(KafkaError)
    }

    /// From this place on, up to the next entry's. Records that are sent one after another mostly have the same.
    private struct Run<Value> {
        var from: Int
        var value: Value
    }

    /// A function, or none; the same as another where code and context are, which costs no count of references.
    private struct Call {
        var function: Completion?

        func isSame(_ other: Call) -> Bool { unsafeBitCast(self, to: Words.self) == unsafeBitCast(other, to: Words.self) }
    }
    private struct Words: Equatable {
        var code: UInt
        var context: UInt
    }

    /// Places that ended together, the first one's offset with them.
    private struct Piece {
        var places: Range<Int>
        var end: End
    }

    private var calls: [Run<Call>] = []
    private var stamps: [Run<Int64>] = []
    private(set) var count = 0
    private(set) var bytes = 0
    private var pieces: [Piece] = []
    private var settled = 0
    private var waiting: [(place: Int, continuation: CheckedContinuation<Producer.Outcome, Never>)] = []

    var isSettled: Bool { settled == count }

    func append(timestamp: Int64, bytes: Int, _ completion: Completion?) {
        let call = Call(function: completion)
        if calls.last.map({ !$0.value.isSame(call) }) ?? true { calls.append(Run(from: count, value: call)) }
        if stamps.last.map({ $0.value != timestamp }) ?? true { stamps.append(Run(from: count, value: timestamp)) }
        count += 1
        self.bytes += bytes
    }

    // MARK: Ends

    /// Places have ended. Returns whoever waits for one of them.
    func settle(_ places: Range<Int>, _ end: End) -> [(CheckedContinuation<Producer.Outcome, Never>, Producer.Outcome)] {
        pieces.insert(Piece(places: places, end: end), at: position(of: places.lowerBound))
        settled += places.count
        guard !waiting.isEmpty else { return [] }
        let woken = waiting.filter { places.contains($0.place) }
        waiting.removeAll { places.contains($0.place) }
        return woken.compactMap { waiter in outcome(waiter.place).map { (waiter.continuation, $0) } }
    }

    /// Calls the completions of places that have ended; without the ledger's lock.
    func tell(_ places: Range<Int>, _ end: End) {
        var (call, stamp) = (run(calls, at: places.lowerBound), run(stamps, at: places.lowerBound))
        var place = places.lowerBound
        while place < places.upperBound {
            let callEnd = call + 1 < calls.count ? calls[call + 1].from : count
            let stampEnd = stamp + 1 < stamps.count ? stamps[stamp + 1].from : count
            let until = min(callEnd, stampEnd, places.upperBound)
            if let function = calls[call].value.function {
                tell(function, outcome(end, place - places.lowerBound, stamps[stamp].value), until - place)
            }
            place = until
            if place == callEnd { call += 1 }
            if place == stampEnd { stamp += 1 }
        }
    }

    /// The same for so many, each one offset behind the other.
    private func tell(_ function: Completion, _ first: Producer.Outcome, _ count: Int) {
        guard case .success(var metadata) = first else {
            for _ in 0..<count { function(first) }
            return
        }
        for _ in 0..<count {
            function(.success(metadata))
            metadata.offset? += 1
        }
    }

    private func outcome(_ end: End, _ distance: Int, _ timestamp: Int64) -> Producer.Outcome {
        switch end {
        case .written(let partition, let base):
            .success(
                RecordMetadata(
                    topic: partition.topic, partition: partition.partition, offset: base < .zero ? nil : base.rawValue + Int64(distance),
                    timestamp: timestamp))
        case .lost(let error): .failure(error)
        }
    }

    /// Nil where it has not ended.
    private func outcome(_ place: Int) -> Producer.Outcome? {
        let after = position(of: place + 1)
        guard after > 0, pieces[after - 1].places.contains(place) else { return nil }
        let piece = pieces[after - 1]
        return outcome(piece.end, place - piece.places.lowerBound, stamps[run(stamps, at: place)].value)
    }

    /// The outcome, or nil, and the continuation is resumed with it later.
    func outcome(_ place: Int, orTell continuation: CheckedContinuation<Producer.Outcome, Never>) -> Producer.Outcome? {
        let outcome = outcome(place)
        if outcome == nil { waiting.append((place, continuation)) }
        return outcome
    }

    /// What has not ended yet.
    var openPlaces: [Range<Int>] {
        var out: [Range<Int>] = []
        var place = 0
        for piece in pieces {
            if place < piece.places.lowerBound { out.append(place..<piece.places.lowerBound) }
            place = piece.places.upperBound
        }
        if place < count { out.append(place..<count) }
        return out
    }

    // MARK: Search

    /// The first piece that does not begin before `place`.
    private func position(of place: Int) -> Int { partition(pieces.count) { pieces[$0].places.lowerBound < place } }

    /// The run that `place` is in.
    private func run<Value>(_ runs: [Run<Value>], at place: Int) -> Int { max(0, partition(runs.count) { runs[$0].from <= place } - 1) }

    /// The first of so many for which `isBefore` does not hold.
    private func partition(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
