import Primitives

/// What a seed draws of a bank: how much it has to do, and how it goes about it.
package struct BankPlan: Equatable, Sendable {
    /// As many partitions of transfers, each with a teller of its own.
    package var tellers: Int32 = 2
    /// Partitions that the entries are spread over.
    package var places: Int32 = 2
    package var transfers = 40
    /// Transfers in one transaction, at most.
    package var transfersEach = 4
    /// Virtual milliseconds between two steps of a transaction, at most: while it is open, faults may hit whom it needs.
    package var pauseMsMax = 80
    package var timeoutMs: Int32 = 8_000
    /// One transaction in so many is given up by its teller.
    package var abortsOneIn = 6
    /// Faults go on until every transfer is booked, however long that takes, instead of for a drawn time.
    package var isWhole = false

    package init() {}

    /// A small bank beside other work.
    init(_ random: inout PRNG) {
        tellers = Int32(1 + random.below(3))
        places = Int32(1 + random.below(3))
        transfers = 20 + random.below(100)
        transfersEach = 1 + random.below(5)
        pauseMsMax = [2, 20, 80, 300][random.below(4)]
        timeoutMs = [3_000, 8_000, 20_000][random.below(3)]
        abortsOneIn = [3, 6, 20][random.below(3)]
    }

    static let transferTopic = "transfers"
    static let entryTopic = "entries"

    /// The topics it needs; names that nothing else in a simulation has.
    func topics(replicas: Int16, inSyncMin: Int) -> [Swarm.TopicPlan] {
        [(BankPlan.transferTopic, tellers), (BankPlan.entryTopic, places)].map { name, partitions in
            Swarm.TopicPlan(name: name, partitions: partitions, replicas: replicas, inSyncMin: inSyncMin)
        }
    }
}

/// One half of a transfer: what leaves an account or what comes to one. Its text says all of it, so that whoever reads it can tell.
struct BankEntry: Equatable {
    /// Of the transfer.
    var number: Int
    var isCredit: Bool
    /// Of the transaction, over all tellers and their lives.
    var attempt: Int
    /// Its place among the entries of its transaction.
    var serial: Int

    static let accounts = 20
    /// What each account begins with.
    static let startBalance = 1000

    var account: Int { isCredit ? (number * 7 + 3) % BankEntry.accounts : (number * 7 + number / 3) % BankEntry.accounts }
    var amount: Int { (1 + number % 97) * (isCredit ? 1 : -1) }
    var text: String { "\(number) \(isCredit ? "+" : "-") \(attempt) \(serial)" }

    init(number: Int, isCredit: Bool, attempt: Int, serial: Int) {
        (self.number, self.isCredit, self.attempt, self.serial) = (number, isCredit, attempt, serial)
    }

    init?(_ value: Bytes?) {
        let words = value?.lossyString.split(separator: " ") ?? []
        guard words.count == 4, let number = Int(words[0]), let attempt = Int(words[2]), let serial = Int(words[3]) else { return nil }
        self.init(number: number, isCredit: words[1] == "+", attempt: attempt, serial: serial)
    }
}
