/// What validation asks of the records of a batch, gathered in one walk over their bytes. It accepts exactly what `RecordShape.parse`
/// accepts, but makes nothing of a record. Every record that a broker takes in goes through here, so runs of records of one form go a short
/// way (`RecordForm`); what is of no form, good or bad, goes the exact one (`takeOne`), whose verdict counts.
struct RecordWalk {
    /// Where the next record begins.
    private(set) var position = 0
    /// How many records have been passed, all with the offset deltas that they ought to have.
    private(set) var count: Int64 = 0
    /// The least timestamp but for -1, which is none and inside every window.
    private(set) var least = Int64.max
    private(set) var greatest = Int64.min
    private(set) var areAllKeyed = true
    /// The base timestamp of the batch.
    private let begun: Int64

    init(begun: Int64) { self.begun = begun }

    /// Passes the records up to the one with number `total`. `isExact` leaves out the short way, so that tests can compare.
    mutating func take(_ base: UnsafeRawPointer, _ limit: Int, _ total: Int64, isExact: Bool = false) throws(BatchError) {
        // With these no timestamp of a short delta can overflow, or come out as -1.
        let isShort = !isExact && begun >= 1 << 16 && begun <= 1 << 62
        // Where the short way has failed, the next few records are mostly not for it either.
        var pause = isShort ? 0 : Int64.max
        while count < total {
            if pause == 0 {
                pause = takeRuns(base, limit, total) ? 1 : RecordWalk.pauseAfterFailure
                guard count < total else { return }
            }
            try takeOne(base, limit, total)
            pause -= 1
        }
    }

    private mutating func takeOne(_ base: UnsafeRawPointer, _ limit: Int, _ total: Int64) throws(BatchError) {
        var check = RecordCheck(position: position)
        guard check.next(base, limit) else { throw .invalid("record \(count) of \(total) is malformed") }
        guard check.offsetDelta == count else { throw .invalid("record \(count) has the offset delta \(check.offsetDelta)") }
        if !check.hasKey { areAllKeyed = false }
        let timestamp = begun &+ check.timestampDelta
        if timestamp < least, timestamp != -1 { least = timestamp }
        if timestamp > greatest { greatest = timestamp }
        count += 1
        position = check.position
    }

    private static let pauseAfterFailure: Int64 = 16

    /// Passes runs of records, each of one form, up to a record that is of none; false where that is the first.
    private mutating func takeRuns(_ base: UnsafeRawPointer, _ limit: Int, _ total: Int64) -> Bool {
        let lastStart = limit &- RecordRun.room
        var run = RecordRun(at: position, number: count)
        while run.at <= lastStart, run.number < total {
            let before = run.number
            let head = RecordRun.head(base, run.at)
            let isLong = head & 0x80 != 0
            let isLongTime = (isLong ? head >> 24 : head >> 16) & 0x80 != 0
            if before < 64 {
                let bound = min(total, 64)
                switch (isLong, isLongTime) {
                case (false, false): RecordForm<1, 1, 1>.take(&run, base, limit, bound)
                case (false, true): RecordForm<1, 2, 1>.take(&run, base, limit, bound)
                case (true, false): RecordForm<2, 1, 1>.take(&run, base, limit, bound)
                case (true, true): RecordForm<2, 2, 1>.take(&run, base, limit, bound)
                }
            } else {
                let bound = min(total, 1 << 13)
                switch (isLong, isLongTime) {
                case (false, false): RecordForm<1, 1, 2>.take(&run, base, limit, bound)
                case (false, true): RecordForm<1, 2, 2>.take(&run, base, limit, bound)
                case (true, false): RecordForm<2, 1, 2>.take(&run, base, limit, bound)
                case (true, true): RecordForm<2, 2, 2>.take(&run, base, limit, bound)
                }
            }
            if run.number == before { break }
        }
        guard run.number > count else { return false }
        (position, count) = (run.at, run.number)
        least = min(least, begun &+ run.low)
        greatest = max(greatest, begun &+ run.high)
        if run.lacksKeys { areAllKeyed = false }
        return true
    }
}

/// How far the short way has come, and the least and the greatest of the timestamps' deltas on it.
private struct RecordRun {
    var at: Int
    var number: Int64
    var low = Int64.max
    var high = Int64.min
    var lacksKeys = false

    init(at: Int, number: Int64) { (self.at, self.number) = (at, number) }

    /// A record that begins this far from the end can be asked for all its numbers without asking where it ends: eight bytes, a key of 63,
    /// and two.
    static let room = 80

    @inline(__always)
    static func head(_ base: UnsafeRawPointer, _ at: Int) -> UInt64 {
        UInt64(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }
    @inline(__always)
    static func pair(_ base: UnsafeRawPointer, _ at: Int) -> UInt64 {
        UInt64(UInt16(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt16.self)))
    }
}

/// How many bytes each number before a record's key takes, one or two, of a record that has no headers: that all stands in one word, of
/// which one comparison tells whether it is of this form and has the offset delta that it ought to have. A type for each form, so that each
/// has its own loop with these numbers in its instructions.
private enum RecordForm<let length: Int, let time: Int, let offset: Int> {
    /// Passes the records of this form up to the one with the number `bound`, or the first that is otherwise.
    static func take(_ run: inout RecordRun, _ base: UnsafeRawPointer, _ limit: Int, _ bound: Int64) {
        let lastStart = limit &- RecordRun.room
        var (at, low, high, lacksKeys) = (run.at, run.low, run.high, run.lacksKeys)
        let (step, more): (UInt64, UInt64) = (2 &<< offsetShift, (offset == 1 ? 0 : 0x80) &<< offsetShift)
        var left = bound &- run.number
        // What the record before was, with the offset delta of this one: none yet, so its size leads beyond the end.
        var (like, size, valueAt, value) = (bits(run.number), limit, 0, UInt64(0))
        while true {
            // As long as all but the value stays as it was.
            while left > 0, RecordRun.head(base, at) & all == like {
                let end = at &+ size
                guard end <= lastStart, RecordRun.pair(base, at &+ valueAt) & valueMask == value, hasNoHeaders(base, end) else { break }
                at = end
                like = like &+ step | more
                left &-= 1
            }
            guard left > 0 else { break }
            let head = RecordRun.head(base, at)
            guard head & mask == like & mask else { break }
            let end = at &+ self.size(head)
            let keyLength = head &>> keyShift & 0xff
            valueAt = keyAt
            // Twice the bytes of the record but for its length and its value, as numbers stand in records.
            var others = UInt64(truncatingIfNeeded: 2 &* (keyAt &- length &+ 1))
            if keyLength == 1 {
                lacksKeys = true
            } else {
                guard keyLength & 0x81 == 0 else { break }
                valueAt &+= Int(keyLength &>> 1)
                others &+= keyLength
            }
            value = RecordRun.pair(base, at &+ valueAt) & valueMask
            guard end <= lastStart, fits(value, head, others), hasNoHeaders(base, end) else { break }
            let delta = timestamp(head)
            low = min(low, delta)
            high = max(high, delta)
            size = end &- at
            at = end
            // The sum carries over the bit that says that a second byte follows, which is then set again.
            like = (head & all) &+ step | more
            left &-= 1
        }
        (run.at, run.low, run.high, run.lacksKeys) = (at, low, high, lacksKeys)
        run.number = bound &- left
    }

    /// Behind the value stands how many headers there are.
    @inline(__always) private static func hasNoHeaders(_ base: UnsafeRawPointer, _ end: Int) -> Bool {
        base.load(fromByteOffset: end &- 1, as: UInt8.self) == 0
    }

    @inline(__always) private static var timeShift: UInt64 { UInt64(length &+ 1) &* 8 }
    @inline(__always) private static var offsetShift: UInt64 { timeShift &+ UInt64(time) &* 8 }
    @inline(__always) private static var keyShift: UInt64 { offsetShift &+ UInt64(offset) &* 8 }
    /// Where the key begins, or what follows where there is none.
    @inline(__always) private static var keyAt: Int { length &+ time &+ offset &+ 2 }

    /// The bits of the word that say how many bytes the numbers take, and that the length is not below 0, and the whole offset delta.
    @inline(__always) private static var mask: UInt64 {
        let lengths: UInt64 = (length == 1 ? 0x81 : 0x8081) | (time == 1 ? 0x80 : 0x8080) &<< timeShift
        let delta: UInt64 = (offset == 1 ? 0xff : 0xffff) &<< offsetShift
        return lengths | delta
    }

    /// All bits up to the key but the attributes, which may be anything.
    @inline(__always) private static var all: UInt64 {
        (keyShift == 56 ? UInt64.max : (1 &<< (keyShift &+ 8)) &- 1) & ~(0xff &<< (timeShift &- 8))
    }

    /// A value's length takes one byte where the record's does, and else mostly two; where not, one byte of the value is compared with it.
    @inline(__always) private static var valueMask: UInt64 { length == 1 ? 0xff : 0xffff }

    /// What they are in the record with this number.
    @inline(__always) private static func bits(_ number: Int64) -> UInt64 {
        let zigzag = UInt64(bitPattern: number) &<< 1
        let delta = offset == 1 ? zigzag : zigzag & 0x7f | 0x80 | (zigzag & 0x3f80) &<< 1
        let lengths: UInt64 = (length == 1 ? 0 : 0x80) | (time == 1 ? 0 : 0x80) &<< timeShift
        return lengths | delta &<< offsetShift
    }

    /// Bytes of the record, with its length.
    @inline(__always) private static func size(_ head: UInt64) -> Int {
        length == 1 ? Int(head & 0x7f) >> 1 &+ 1 : Int(head & 0x7f | head &>> 1 & 0x3f80) >> 1 &+ 2
    }

    /// Whether the length of a value, at the low end of `value`, is the record's but for `others` and the number itself.
    @inline(__always) private static func fits(_ value: UInt64, _ head: UInt64, _ others: UInt64) -> Bool {
        if length == 1 { return value &+ others &+ 2 == head & 0xff }
        // Both of two bytes: no need to decode them.
        if value & 0x80 != 0 { return (value &+ others &+ 4) | 0x80 == head & 0xffff }
        return (value & 0xff) &+ others &+ 2 == head & 0x7f | (head &>> 1 & 0x3f80)
    }

    /// The delta of its timestamp.
    @inline(__always) private static func timestamp(_ head: UInt64) -> Int64 {
        let word = head &>> timeShift
        let zigzag = time == 1 ? word & 0x7f : word & 0x7f | word &>> 1 & 0x3f80
        return Int64(bitPattern: (zigzag &>> 1) ^ (0 &- (zigzag & 1)))
    }
}

/// One record at a time, by the letter.
struct RecordCheck {
    /// Where the next record begins.
    private(set) var position: Int
    private(set) var timestampDelta: Int64 = 0
    private(set) var offsetDelta: Int64 = 0
    private(set) var hasKey = false

    init(position: Int = 0) { self.position = position }

    /// What `number` returns where there is none. As a length, a count or an offset it is out of range, and no client counts
    /// milliseconds in it.
    private static let malformed = Int64.min

    /// Moves past the next record; false where it is cut off or inconsistent.
    mutating func next(_ base: UnsafeRawPointer, _ limit: Int) -> Bool {
        var at = position
        let length = RecordCheck.number(base, &at, limit)
        guard length > 0, length <= Int64(limit &- at) else { return false }
        let end = at &+ Int(length)
        at &+= 1
        let time = RecordCheck.number(base, &at, end)
        let offset = RecordCheck.number(base, &at, end)
        guard time != RecordCheck.malformed, offset != RecordCheck.malformed else { return false }
        let keyLength = RecordCheck.number(base, &at, end)
        guard keyLength >= -1, keyLength <= Int64(end &- at) else { return false }
        at &+= max(0, Int(keyLength))
        let valueLength = RecordCheck.number(base, &at, end)
        guard valueLength >= -1, valueLength <= Int64(end &- at) else { return false }
        at &+= max(0, Int(valueLength))
        let headers = RecordCheck.number(base, &at, end)
        guard headers >= 0, headers <= Int64(end &- at) else { return false }
        if headers > 0 { guard RecordCheck.skipHeaders(base, &at, end, headers) else { return false } }
        guard at == end else { return false }
        (timestampDelta, offsetDelta, hasKey) = (time, offset, keyLength >= 0)
        position = end
        return true
    }

    private static func skipHeaders(_ base: UnsafeRawPointer, _ at: inout Int, _ end: Int, _ count: Int64) -> Bool {
        for _ in 0..<count {
            let key = number(base, &at, end)
            guard key >= 0, key <= Int64(end &- at) else { return false }
            at &+= Int(key)
            let value = number(base, &at, end)
            guard value >= -1, value <= Int64(end &- at) else { return false }
            at &+= max(0, Int(value))
        }
        return true
    }

    @inline(__always)
    private static func number(_ base: UnsafeRawPointer, _ at: inout Int, _ limit: Int) -> Int64 {
        guard at < limit else { return malformed }
        let first = UInt64(base.load(fromByteOffset: at, as: UInt8.self))
        if first < 0x80 {
            at &+= 1
            return Int64(bitPattern: (first >> 1) ^ (0 &- (first & 1)))
        }
        if at &+ 1 < limit {
            let second = UInt64(base.load(fromByteOffset: at &+ 1, as: UInt8.self))
            if second < 0x80 {
                at &+= 2
                let value = (first & 0x7f) | (second << 7)
                return Int64(bitPattern: (value >> 1) ^ (0 &- (value & 1)))
            }
        }
        return readLongVarint(base, &at, limit) ?? malformed
    }
}
