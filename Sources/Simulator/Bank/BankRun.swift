import Primitives

extension Swarm {
    /// A cluster that has nothing to do but a bank's transfers. Where they are many, faults go on until all of them are booked, and are
    /// rare enough that it can come to that; of few, some are left when everything is mended, so that what then hangs is seen.
    package static func banking(_ random: inout PRNG, transfers: Int, brokers: Int? = nil) -> Swarm {
        var swarm = Swarm(&random, brokers: brokers)
        var plan = BankPlan(&random)
        plan.transfers = transfers
        plan.isWhole = transfers >= 1000
        if swarm.bank == nil { swarm.open(plan, &random) } else { swarm.bank = plan }
        (swarm.topics, swarm.producers, swarm.hastyProducers, swarm.consumers) = ([], 0, 0, 0)
        for fault in [FaultClass.kill, .tellerDeath, .midTransaction] {
            swarm.faults[fault] = fault.meanMs * Int64(2 + random.below(4)) / 2
        }
        guard plan.isWhole else { return swarm }
        // Without resets, which pass in an instant: one in two seconds, all together.
        let lasting = swarm.faults.filter { $0.key != .reset }
        let inAnHour = lasting.reduce(0) { $0 + 3_600_000 / $1.value }
        for (fault, mean) in lasting { swarm.faults[fault] = mean * max(1800, inAnHour) / 1800 }
        return swarm
    }
}

extension Simulation {
    /// One seed of a cluster that is there for a bank.
    package static func banking(
        seed: UInt64, transfers: Int, mutations: Mutations = [], brokers: Int? = nil
    ) throws -> Simulation {
        var random = PRNG(seed: seed &* 0xa076_1d64_78bd_642f)
        let swarm = Swarm.banking(&random, transfers: transfers, brokers: brokers)
        return try Simulation(seed: seed, mutations: mutations, brokers: brokers, swarm: swarm)
    }
}

/// What a bank came to.
package struct BankFigures: Equatable, Sendable, CustomStringConvertible {
    package var transfers = 0
    /// Transactions.
    package var commits = 0
    package var aborts = 0
    /// Brokers that were killed or lost their power, and tellers that died or seemed to.
    package var brokerDeaths = 0
    package var tellerDeaths = 0
    /// What all accounts together should hold, and do.
    package var total = 0
    package var found = 0

    package init() {}

    init(_ bank: Bank, _ faults: FaultPlan) {
        transfers = bank.plan.transfers
        (commits, aborts) = (bank.commits, bank.aborts)
        (brokerDeaths, tellerDeaths) = (faults.brokerDeaths, bank.deaths)
        (total, found) = (BankEntry.accounts * BankEntry.startBalance, bank.total)
    }

    package static func += (a: inout BankFigures, b: BankFigures) {
        a.transfers += b.transfers
        a.commits += b.commits
        a.aborts += b.aborts
        a.brokerDeaths += b.brokerDeaths
        a.tellerDeaths += b.tellerDeaths
        a.total += b.total
        a.found += b.found
    }

    package var description: String {
        "bank: \(transfers) transfers in \(commits) transactions, \(aborts) taken back; \(brokerDeaths) brokers and "
            + "\(tellerDeaths) tellers killed; \(found) of \(total) in all accounts"
    }

    /// In one word, for one process to tell another.
    package var word: String {
        [transfers, commits, aborts, brokerDeaths, tellerDeaths, total, found].map(String.init).joined(separator: "/")
    }

    package init?(word: some StringProtocol) {
        let numbers = word.split(separator: "/").compactMap { Int($0) }
        guard numbers.count == 7 else { return nil }
        (transfers, commits, aborts, brokerDeaths, tellerDeaths) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
        (total, found) = (numbers[5], numbers[6])
    }
}
