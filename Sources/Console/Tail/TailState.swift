import Grid
import Primitives

/// A live tail: the messages held, which of them are shown, and where the user is among them.
///
/// Bounded: at most `messagesMax` messages and `bytesMax` bytes are held. When one is reached, messages that the filter hides go first,
/// then the oldest; so a search through millions keeps what it found. Messages are known by a number that never repeats, so that the
/// selection and marks survive what is dropped before them.
package struct TailState: Equatable, Sendable {
    package static let messagesMax = 10_000
    package static let bytesMax = 32 * 1024 * 1024

    struct Held: Equatable, Sendable {
        var number: Int
        var message: TailMessage
        /// The filter lets it through.
        var matches: Bool
        /// What the filter's program made of the value, or why it could not.
        var instead: Bytes?
        var failure: String?
        var transaction = Transaction.none
    }

    /// What became of the transaction that a message belongs to, as far as was seen here.
    enum Transaction: Equatable, Sendable { case none, open, committed, aborted }

    package internal(set) var query: TailQuery
    package internal(set) var filter = TailFilter.none
    var held: [Held] = []
    /// Indices into `held` of those the filter lets through.
    package internal(set) var shown: [Int] = []
    private var heldBytes = 0
    private var nextNumber = 0
    /// Held messages with smaller numbers have not been judged by the filter's program; nil: all have.
    private var unjudged: Int?
    static let sliceMessages = 200
    static let sliceBytes = 256 << 10
    /// Numbers of held messages whose transaction's end has not been seen, by partition and producer.
    private var open: [OpenTransaction] = []
    private struct OpenTransaction: Equatable, Sendable {
        var partition: TopicPartition
        var producer: Int64
        var numbers: [Int]
    }
    /// Messages that came, and those that the reader left out because the stream outran the view.
    package private(set) var received = 0
    package private(set) var skipped = 0
    /// Left out by the reader because the filter hides them.
    package private(set) var filtered = 0
    /// Dropped from the buffer's start.
    package private(set) var dropped = 0
    package private(set) var progress: TailProgress?
    package private(set) var unstable: Int64 = 0
    package private(set) var isFinished = false
    package internal(set) var isCaughtUp = false
    package internal(set) var error: String?
    /// The reader was told to stop: this is history.
    package internal(set) var isStopped = false

    /// The buffer is full of what the user is still reading: the reader waits until they have come near its end.
    package internal(set) var isHeld = false
    package internal(set) var follows = true
    package internal(set) var isPaused = false
    package internal(set) var wraps = false
    package internal(set) var showsTimes = true
    package internal(set) var showsHeaders = false
    package internal(set) var isPretty = false
    package internal(set) var showsHex = false
    package internal(set) var format = PayloadFormat.automatic
    /// What the filter does not let through is shown too, and the filter only searches.
    package internal(set) var showsAll = false
    /// Control records are shown: the ends of transactions.
    package internal(set) var showsMarkers = false
    /// Of each key only the newest message held.
    package internal(set) var newestPerKey = false
    /// Number of the selected message; nil while there is none.
    package internal(set) var selected: Int?
    /// Number of the first message on the screen; used while not following.
    var top = 0
    /// Widest key and place so far, within bounds: what follows them stands in one column.
    private(set) var keyWidth = 0
    private var hasNullKey = false
    private(set) var placeWidth = 6
    static let keyWidthMax = 20
    /// Numbers of marked messages, sorted.
    package internal(set) var marks: [Int] = []

    package init(_ query: TailQuery) { self.query = query }

    /// Takes in what the reader brought.
    mutating func append(_ update: TailUpdate) {
        received += update.messages.count + update.skipped + update.filtered
        skipped += update.skipped
        filtered += update.filtered
        isCaughtUp = update.isCaughtUp
        isFinished = update.isFinished
        progress = update.progress ?? progress
        unstable = update.unstable
        error = update.error
        for message in update.messages {
            var entry = Held(number: nextNumber, message: message, matches: false)
            TailState.judge(&entry, filter)
            follow(&entry)
            held.append(entry)
            if isShown(entry), !newestPerKey { shown.append(held.count - 1) }
            nextNumber += 1
            heldBytes += TailState.size(message)
            measure(message)
        }
        if held.count > TailState.messagesMax || heldBytes > TailState.bytesMax { trim() }
        if newestPerKey && !update.messages.isEmpty { chooseShown() }
        if follows {
            selected = shown.last.map { held[$0].number }
        } else if selected == nil {
            selected = shown.first.map { held[$0].number }
        }
    }

    /// Static: with the state itself at hand, all of it would be copied for each message of a list that is being changed.
    private static func judge(_ entry: inout Held, _ filter: TailFilter) {
        (entry.instead, entry.failure) = (nil, nil)
        guard entry.message.marker == nil else {
            entry.matches = filter.isEmpty
            return
        }
        switch filter.outcome(entry.message) {
        case .hidden: entry.matches = false
        case .asItIs: entry.matches = true
        case .instead(let bytes): (entry.matches, entry.instead) = (true, bytes)
        case .failed(let reason): (entry.matches, entry.failure) = (false, reason)
        }
    }

    /// Keeps the transactions: a marker decides what became of the messages before it.
    private mutating func follow(_ entry: inout Held) {
        let message = entry.message
        guard message.isTransactional else { return }
        let place = open.firstIndex { $0.partition == message.partition && $0.producer == message.producerID }
        guard let marker = message.marker else {
            entry.transaction = .open
            if let place {
                open[place].numbers.append(entry.number)
            } else {
                open.append(OpenTransaction(partition: message.partition, producer: message.producerID, numbers: [entry.number]))
            }
            return
        }
        guard let place, marker != .other else { return }
        for number in open[place].numbers {
            guard let index = index(of: number) else { continue }
            held[index].transaction = marker == .commit ? .committed : .aborted
        }
        open.remove(at: place)
    }

    private func index(of number: Int) -> Int? {
        var low = 0
        var high = held.count
        while low < high {
            let middle = (low + high) / 2
            if held[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < held.count && held[low].number == number ? low : nil
    }

    private func isShown(_ entry: Held) -> Bool {
        if entry.message.marker != nil { return showsMarkers && filter.isEmpty }
        return showsAll || entry.matches
    }

    /// Makes `shown` anew.
    mutating func chooseShown() {
        shown = held.indices.filter { isShown(held[$0]) }
        if newestPerKey {
            var seen: [Bytes: Int] = [:]
            for index in shown { if let key = held[index].message.key { seen[key] = index } }
            shown = shown.filter { index in held[index].message.key.map { seen[$0] == index } ?? true }
        }
        if follows { selected = shown.last.map { held[$0].number } }
    }

    /// Whether more would push out what is being read from the past. A search does not wait: it lets go of what does not match.
    var wouldOverrun: Bool {
        !follows && !hides && (held.count >= TailState.messagesMax * 8 / 10 || heldBytes >= TailState.bytesMax * 8 / 10)
    }
    /// Whether the filter hides what it does not let through.
    var hides: Bool { !filter.isEmpty && !showsAll }
    /// Whether the user has come near the end of what is held.
    var isNearEnd: Bool { follows || hides || (selectedPosition ?? 0) + TailState.messagesMax / 20 >= shown.count }

    /// Where a message stands: its offset, before it what the query leaves open.
    func placeText(_ message: TailMessage) -> String {
        let partition = query.partition == nil ? "\(message.partition.partition):" : ""
        return (query.topics.count > 1 ? Escape.line(message.partition.topic) + "-" : "") + partition + "\(message.offset)"
    }

    private mutating func measure(_ message: TailMessage) {
        placeWidth = max(
            placeWidth, TextWidth.of(placeText(message)))
        // Where no message has a key there is no column for it.
        if message.shownKey == nil { hasNullKey = true }
        if keyWidth > 0, hasNullKey { keyWidth = max(keyWidth, Payload.null.utf8.count) }
        guard keyWidth < TailState.keyWidthMax, let key = message.shownKey else { return }
        let width = Payload.line(key.prefix(64), hex: false).reduce(0) { $0 + TextWidth.of($1.text) }
        keyWidth = min(TailState.keyWidthMax, max(keyWidth, width, hasNullKey ? Payload.null.utf8.count : 0))
    }

    /// Makes room down to nine tenths, so that it is not done for every message.
    private mutating func trim() {
        var excess = max(0, held.count - TailState.messagesMax * 9 / 10)
        var bytes = max(0, heldBytes - TailState.bytesMax * 9 / 10)
        for keepsShown in [true, false] where excess > 0 || bytes > 0 {
            var kept: [Held] = []
            kept.reserveCapacity(held.count)
            for entry in held {
                let mayMatch = entry.matches || showsAll || unjudged.map { entry.number < $0 } ?? false
                if (excess > 0 || bytes > 0) && !(keepsShown && mayMatch) {
                    let size = TailState.size(entry.message)
                    excess -= 1
                    bytes -= size
                    heldBytes -= size
                    dropped += 1
                } else {
                    kept.append(entry)
                }
            }
            held = kept
        }
        marks = marks.filter { index(of: $0) != nil }
        let oldest = held.first?.number ?? nextNumber
        for place in open.indices { open[place].numbers.removeAll { $0 < oldest } }
        open.removeAll { $0.numbers.isEmpty }
        chooseShown()
    }

    static func size(_ message: TailMessage) -> Int {
        let headers = message.headers.reduce(0) { $0 + $1.name.utf8.count + ($1.value?.count ?? 0) + 48 }
        return (message.key?.count ?? 0) + (message.value?.count ?? 0) + headers + (message.decodedKey?.count ?? 0)
            + (message.decodedValue?.count ?? 0) + 160
    }

    /// Changes messages that are held; who calls has the filter look at them again.
    mutating func rewrite(_ change: (inout TailMessage) -> Void) {
        for index in held.indices {
            let before = TailState.size(held[index].message)
            change(&held[index].message)
            heldBytes += TailState.size(held[index].message) - before
        }
    }

    /// Terms are judged at once; a program, which may take long for each message, slice by slice: the newest first.
    mutating func setFilter(_ filter: TailFilter) {
        self.filter = filter
        unjudged = nil
        guard filter.program != nil else {
            for index in held.indices { TailState.judge(&held[index], filter) }
            return chooseShown()
        }
        for index in held.indices { (held[index].matches, held[index].instead, held[index].failure) = (false, nil, nil) }
        unjudged = nextNumber
        judgeSlice()
    }

    /// Whether messages are held that the filter's program has not seen yet.
    var isJudging: Bool { unjudged != nil }
    /// How many.
    var unjudgedCount: Int { unjudged.map { TailState.firstIndex(in: held, from: $0) } ?? 0 }

    /// The next of those that the filter's program has not seen: no more than a key may have to wait for.
    mutating func judgeSlice() {
        guard let bound = unjudged else { return }
        var index = TailState.firstIndex(in: held, from: bound)
        var (count, bytes) = (0, 0)
        while index > 0, count < TailState.sliceMessages, bytes < TailState.sliceBytes {
            index -= 1
            TailState.judge(&held[index], filter)
            (count, bytes) = (count + 1, bytes + TailState.size(held[index].message))
        }
        unjudged = index > 0 ? held[index].number : nil
        chooseShown()
    }

    /// Where the first entry stands whose number is not below `number`.
    private static func firstIndex(in held: [Held], from number: Int) -> Int {
        var (low, high) = (0, held.count)
        while low < high {
            let middle = (low + high) / 2
            if held[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The next message that the filter lets through, from the selected one on; nil where there is none that way.
    func nextMatch(_ step: Int) -> Int? {
        guard let place = selectedPosition else { return nil }
        var next = place + step
        while shown.indices.contains(next) {
            if held[shown[next]].matches && held[shown[next]].message.marker == nil { return next }
            next += step
        }
        return nil
    }

    // MARK: The selection

    /// Position of a message among those shown, or of the first after it.
    func position(of number: Int) -> Int {
        var low = 0
        var high = shown.count
        while low < high {
            let middle = (low + high) / 2
            if held[shown[middle]].number < number { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Position of the selected message; that of its nearest neighbour where it is gone.
    package var selectedPosition: Int? {
        guard !shown.isEmpty else { return nil }
        guard let selected else { return shown.count - 1 }
        return min(position(of: selected), shown.count - 1)
    }

    package var selectedMessage: TailMessage? { selectedPosition.map { held[shown[$0]].message } }
    package func message(at position: Int) -> TailMessage { held[shown[position]].message }
    func entry(at position: Int) -> Held { held[shown[position]] }
    func number(at position: Int) -> Int { held[shown[position]].number }
    package func isMarked(_ position: Int) -> Bool { marks.contains(number(at: position)) }

    mutating func select(_ position: Int) {
        guard !shown.isEmpty else { return }
        selected = number(at: max(0, min(position, shown.count - 1)))
    }

    mutating func toggleMark() {
        guard let place = selectedPosition else { return }
        let number = number(at: place)
        if let index = marks.firstIndex(of: number) {
            marks.remove(at: index)
        } else {
            marks.append(number)
            marks.sort()
        }
    }

    /// The marked messages, or all that are shown.
    var chosen: [TailMessage] {
        if marks.isEmpty { return shown.map { held[$0].message } }
        return markedMessages
    }
    var markedMessages: [TailMessage] { marks.compactMap { index(of: $0).map { held[$0].message } } }
}
