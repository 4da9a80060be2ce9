import Primitives
import Testing

@testable import Simulator

/// Transactions of our own client on a cluster, with deaths: each transfer is booked once, whatever happens.
@Suite struct BankTests {
    @Test(arguments: 0..<3 as Range<UInt64>) func noTransferIsLostOrBookedTwice(seed: UInt64) throws {
        let outcome = try Simulation.banking(seed: seed, transfers: 60).run()
        #expect(outcome.violations.isEmpty, "\(outcome.violations)")
        let bank = try #require(outcome.bank)
        #expect(bank.commits > 0 && bank.found == bank.total)
    }

    /// Producers of other topics would have none to write to.
    @Test func aBankHasTheClusterToItself() {
        for seed in 0..<50 as Range<UInt64> {
            var random = PRNG(seed: seed)
            let swarm = Swarm.banking(&random, transfers: 60)
            #expect(swarm.topics.isEmpty && swarm.producers + swarm.hastyProducers + swarm.consumers == 0)
        }
    }

    /// A defect that shows within a few seeds; `simulate --mutations` proves all of them.
    @Test func whatIsStillOpenMustNotBeRead() throws {
        let defect = try #require(Defect.named("ignoreLastStableOffset"))
        #expect(defect.kind == .transactions)
        let rules = try (0..<4 as Range<UInt64>).compactMap { seed in
            try Simulation.banking(seed: seed, transfers: 60, mutations: defect.mutation).run().violations.first?.rule
        }
        #expect(rules.contains("aborted"), "\(rules)")
    }

    /// What readers are given is judged entry by entry: of a transaction that nobody asked to commit, one that was taken back, twice, out
    /// of order, or torn.
    @Test func theBooksNoticeWhatMustNotBeRead() throws {
        let place = TopicPartition("entries", 0)
        func rules(_ entries: [BankEntry], _ outcomes: [BankBooks.Outcome]) throws -> [String] {
            let world = try World(seed: 1, brokers: 1)
            let books = BankBooks(world, transfers: 2)
            for outcome in outcomes { books.ended(books.begin(by: 0), outcome) }
            let reader = BankBooks.Reader("a reader", isWhole: true)
            for (offset, entry) in entries.enumerated() { books.given(place, Offset(Int64(offset)), Bytes(entry.text), to: reader) }
            return world.violations.map(\.rule)
        }
        func entry(_ number: Int, _ isCredit: Bool, _ attempt: Int, _ serial: Int) -> BankEntry {
            BankEntry(number: number, isCredit: isCredit, attempt: attempt, serial: serial)
        }
        let whole = [entry(0, false, 0, 0), entry(0, true, 0, 1)]
        #expect(try rules(whole, [.committed]).isEmpty)
        #expect(try rules(whole, [.asked]).isEmpty)
        #expect(try rules(whole, [.open]) == ["aborted", "aborted"])
        #expect(try rules(whole, [.aborted]) == ["aborted", "aborted"])
        #expect(try rules(whole + [entry(0, true, 1, 0)], [.committed, .committed]) == ["once", "torn"])
        #expect(try rules([entry(0, false, 0, 0), entry(0, true, 1, 0)], [.committed, .committed]) == ["torn"])
        #expect(try rules(whole.reversed(), [.committed]) == ["order"])
        #expect(try rules([entry(1, false, 1, 0)] + whole, [.committed, .committed]) == ["order"])
        #expect(try rules([entry(0, false, 7, 0)], [.committed]) == ["committed"])
    }
}
