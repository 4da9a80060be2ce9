import Primitives

/// What tellers asked for and were told, and what readers of committed records were given. Rules, by the names they are reported under:
///
/// - `aborted`: nobody is given an entry of a transaction that nobody asked to commit, or that was taken back.
/// - `committed`: an entry of a transaction whose commit was answered can be read, at the offset that was told.
/// - `once`: who reads all of it is given both entries of each transfer once, and the sum of all accounts stays what it was.
/// - `torn`: both entries of a transfer are of one transaction.
/// - `order`: offsets ascend; the transactions of a partition's tellers stand in the order in which they began, and so do the entries of
///   each.
///
/// Owner: the bank. Whatever a reader is given is judged at that moment.
final class BankBooks {
    enum Outcome {
        case open
        /// Its teller has asked for the commit and may never learn what came of it.
        case asked
        case committed
        case aborted
    }

    private struct Attempt {
        let teller: Int32
        var outcome = Outcome.open
    }

    /// One who reads, and what was given to them so far.
    final class Reader {
        let name: String
        /// From the first record on, so that all of it can be asked for in the end.
        let isWhole: Bool
        fileprivate var last: OrderedMap<TopicPartition, Int64> = OrderedMap()
        fileprivate var newest: [Stream: (attempt: Int, serial: Int)] = [:]
        fileprivate var debits: [Int: BankEntry] = [:]
        fileprivate var credits: [Int: BankEntry] = [:]
        fileprivate var balances = [Int](repeating: BankEntry.startBalance, count: BankEntry.accounts)
        private(set) var given = 0

        init(_ name: String, isWhole: Bool) { (self.name, self.isWhole) = (name, isWhole) }

        /// Where somebody could go on reading from, in each partition.
        func position(_ place: TopicPartition) -> Int64 { (last[place] ?? -1) + 1 }
        var total: Int { balances.reduce(0, +) }
        fileprivate func count() { given += 1 }
    }

    fileprivate struct Stream: Hashable {
        let place: TopicPartition
        let teller: Int32
    }

    private unowned let world: World
    private let transfers: Int
    private var attempts: [Attempt] = []
    private var promised: OrderedMap<TopicPartition, OrderedMap<Int64, String>> = OrderedMap()

    init(_ world: World, transfers: Int) { (self.world, self.transfers) = (world, transfers) }

    // MARK: What tellers say

    /// A transaction begins. Its number goes into its entries.
    func begin(by teller: Int32) -> Int {
        attempts.append(Attempt(teller: teller))
        return attempts.count - 1
    }

    func ended(_ attempt: Int, _ outcome: Outcome) { attempts[attempt].outcome = outcome }

    /// A commit was answered: its entries are there to stay.
    func promise(_ entries: [(place: TopicPartition, offset: Offset, text: String)]) {
        for entry in entries { promised[entry.place, default: OrderedMap()][entry.offset.rawValue] = entry.text }
    }

    // MARK: What readers are given

    func given(_ place: TopicPartition, _ offset: Offset, _ value: Bytes?, to reader: Reader) {
        reader.count()
        let what = "\(reader.name) was given \(value?.lossyString ?? "null") at \(offset) of \(place)"
        guard let entry = BankEntry(value), attempts.indices.contains(entry.attempt), (0..<transfers).contains(entry.number) else {
            return world.violated("committed", "\(what), which no teller wrote")
        }
        if offset.rawValue < reader.position(place) {
            world.violated("order", "\(what) after \(reader.position(place) - 1)")
        }
        reader.last[place] = offset.rawValue
        let attempt = attempts[entry.attempt]
        switch attempt.outcome {
        case .open: world.violated("aborted", "\(what), though nobody has asked to commit that transaction")
        case .aborted: world.violated("aborted", "\(what), though that transaction was taken back")
        case .asked, .committed: break
        }
        let stream = Stream(place: place, teller: attempt.teller)
        if let newest = reader.newest[stream], (entry.attempt, entry.serial) <= newest {
            world.violated("order", "\(what) after entry \(newest.serial) of transaction \(newest.attempt)")
        }
        reader.newest[stream] = (entry.attempt, entry.serial)
        if reader.isWhole { book(entry, reader, what) }
    }

    private func book(_ entry: BankEntry, _ reader: Reader, _ what: String) {
        if let before = entry.isCredit ? reader.credits[entry.number] : reader.debits[entry.number] {
            world.violated("once", "\(what), and before that \(before.text)")
        }
        if entry.isCredit { reader.credits[entry.number] = entry } else { reader.debits[entry.number] = entry }
        if let debit = reader.debits[entry.number], let credit = reader.credits[entry.number], debit.attempt != credit.attempt {
            world.violated("torn", "\(what): its other half is of another transaction")
        }
        reader.balances[entry.account] += entry.amount
    }

    // MARK: At the end

    /// Whether a reader was given all transfers; `texts` says what stands where, as one of them found it.
    func check(_ reader: Reader, texts: OrderedMap<TopicPartition, OrderedMap<Int64, String>>? = nil) {
        for number in 0..<transfers {
            for (half, entries) in [("debit", reader.debits), ("credit", reader.credits)] where entries[number] == nil {
                world.violated("once", "\(reader.name) was never given the \(half) of transfer \(number)")
            }
        }
        let total = BankEntry.accounts * BankEntry.startBalance
        if reader.total != total { world.violated("once", "\(reader.name) finds \(reader.total) in all accounts, not \(total)") }
        guard let texts else { return }
        for (place, entries) in promised {
            for (offset, text) in entries where texts[place]?[offset] != text {
                let found = texts[place]?[offset] ?? "not there"
                world.violated("committed", "\(text) at \(offset) of \(place) was committed, and is \(found)")
            }
        }
    }
}
