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
        var isShown: Bool
    }

    package internal(set) var query: TailQuery
    package internal(set) var filter = TailFilter.none
    var held: [Held] = []
    /// Indices into `held` of those the filter lets through.
    package internal(set) var shown: [Int] = []
    private var heldBytes = 0
    private var nextNumber = 0
    /// Messages that came, and those that the reader left out because the stream outran the view.
    package private(set) var received = 0
    package private(set) var skipped = 0
    /// Dropped from the buffer's start.
    package private(set) var dropped = 0
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
    /// Number of the selected message; nil while there is none.
    package internal(set) var selected: Int?
    /// Number of the first message on the screen; used while not following.
    var top = 0
    /// Widest key and place so far, within bounds: what follows them stands in one column.
    private(set) var keyWidth = 0
    private(set) var placeWidth = 6
    static let keyWidthMax = 20
    /// Numbers of marked messages, sorted.
    package internal(set) var marks: [Int] = []

    package init(_ query: TailQuery) { self.query = query }

    /// Takes in what the reader brought.
    mutating func append(_ update: TailUpdate) {
        received += update.messages.count + update.skipped
        skipped += update.skipped
        isCaughtUp = update.isCaughtUp
        error = update.error
        for message in update.messages {
            let isShown = filter.accepts(message)
            held.append(Held(number: nextNumber, message: message, isShown: isShown))
            if isShown { shown.append(held.count - 1) }
            nextNumber += 1
            heldBytes += TailState.size(message)
            measure(message)
        }
        if held.count > TailState.messagesMax || heldBytes > TailState.bytesMax { trim() }
        if follows {
            selected = shown.last.map { held[$0].number }
        } else if selected == nil {
            selected = shown.first.map { held[$0].number }
        }
    }

    /// Whether more would push out what is being read from the past. A search does not wait: it lets go of what does not match.
    var wouldOverrun: Bool {
        !follows && filter.isEmpty && (held.count >= TailState.messagesMax * 8 / 10 || heldBytes >= TailState.bytesMax * 8 / 10)
    }
    /// Whether the user has come near the end of what is held.
    var isNearEnd: Bool { follows || !filter.isEmpty || (selectedPosition ?? 0) + TailState.messagesMax / 20 >= shown.count }

    private mutating func measure(_ message: TailMessage) {
        placeWidth = max(
            placeWidth, "\(message.offset)".utf8.count + (query.partition == nil ? "\(message.partition.partition)".utf8.count + 1 : 0))
        guard keyWidth < TailState.keyWidthMax, let key = message.key else { return }
        let width = Payload.line(key.prefix(64), hex: false).reduce(0) { $0 + TextWidth.of($1.text) }
        keyWidth = min(TailState.keyWidthMax, max(keyWidth, width))
    }

    /// Makes room down to nine tenths, so that it is not done for every message.
    private mutating func trim() {
        var excess = max(0, held.count - TailState.messagesMax * 9 / 10)
        var bytes = max(0, heldBytes - TailState.bytesMax * 9 / 10)
        for keepsShown in [true, false] where excess > 0 || bytes > 0 {
            var kept: [Held] = []
            kept.reserveCapacity(held.count)
            for entry in held {
                if (excess > 0 || bytes > 0) && !(keepsShown && entry.isShown) {
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
        shown = held.indices.filter { held[$0].isShown }
        marks.removeAll { mark in !held.contains { $0.number == mark } }
    }

    static func size(_ message: TailMessage) -> Int {
        let headers = message.headers.reduce(0) { $0 + $1.name.utf8.count + ($1.value?.count ?? 0) + 48 }
        return (message.key?.count ?? 0) + (message.value?.count ?? 0) + headers + 160
    }

    mutating func setFilter(_ text: String) {
        filter = TailFilter(text)
        for index in held.indices { held[index].isShown = filter.accepts(held[index].message) }
        shown = held.indices.filter { held[$0].isShown }
        if follows { selected = shown.last.map { held[$0].number } }
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
        return held.filter { marks.contains($0.number) }.map(\.message)
    }
}
