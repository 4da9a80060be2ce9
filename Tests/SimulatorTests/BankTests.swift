import Primitives
import Testing

@testable import Simulator

/// Transactions of our own client on three brokers, with deaths: each transfer is booked once, whatever happens.
@Suite struct BankTests {
    @Test(arguments: 0..<2 as Range<UInt64>) func noTransferIsLostOrBookedTwice(seed: UInt64) throws {
        let bank = try Bank(seed: seed, transfers: 40)
        try bank.run()
        #expect(bank.world.violations.isEmpty, "\(bank.world.violations)")
        #expect(bank.commits > 0)
    }
}
