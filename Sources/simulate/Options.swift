import Glibc
import Primitives
import Simulator

/// What the command line asks for.
struct Options {
    var seeds: UInt64 = 200
    var first: UInt64 = 0
    var jobs = 0
    /// One seed, with its trace.
    var replay: UInt64?
    /// With whole requests in the trace.
    var isDetailed = false
    /// Lines of the trace that are printed; the last ones.
    var lines = 4000
    /// Each seed once only: no check that it gives the same trace twice.
    var once = false
    var mutation: String?
    /// So many, all controllers too, whatever the seeds draw.
    var brokers: Int?
    /// A file to play.
    var scenario: String?
    /// Clusters whose topics are compacted all the time.
    var isCompacting = false
    /// Clusters that book so many transfers, each.
    var transfers: Int?
    /// A child that runs seeds and prints a line for each.
    var isWorker = false
    var step: UInt64 = 1
    /// Deliberate defects, one after the other, each until a seed notices it.
    var provesMutations = false

    static let usage = """
        usage: simulate [--seeds N] [--first S] [--jobs J] [--once] [--brokers N] [--mutation NAME] [--compaction | --bank TRANSFERS]
               simulate --mutations [--seeds N]
               simulate --scenario FILE
               simulate --seed S [--detailed] [--lines N] [--brokers N] [--mutation NAME] [--compaction | --bank N]

        Runs whole simulated clusters under faults, each from one seed, twice, and says what they violated.
        With --compaction: clusters whose topics are compacted all the time. With --bank: clusters that book so many transfers between
        accounts by transactions, under faults until all are booked. With --seed: one of them, with its trace. With --mutations:
        deliberate defects of the engine, each of which some seed must notice.
        """

    /// Nil where the words make no sense.
    init?(_ words: [String]) {
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--seeds": guard Options.number(&rest, &seeds) else { return nil }
            case "--first": guard Options.number(&rest, &first) else { return nil }
            case "--step": guard Options.number(&rest, &step) else { return nil }
            case "--jobs":
                var count: UInt64 = 0
                guard Options.number(&rest, &count) else { return nil }
                jobs = Int(count)
            case "--lines":
                var count: UInt64 = 0
                guard Options.number(&rest, &count) else { return nil }
                lines = Int(count)
            case "--seed":
                var seed: UInt64 = 0
                guard Options.number(&rest, &seed) else { return nil }
                replay = seed
            case "--brokers":
                var count: UInt64 = 0
                guard Options.number(&rest, &count), (1...9).contains(count) else { return nil }
                brokers = Int(count)
            case "--detailed": isDetailed = true
            case "--once": once = true
            case "--scenario":
                guard let path = rest.popFirst() else { return nil }
                scenario = path
            case "--worker": isWorker = true
            case "--compaction": isCompacting = true
            case "--bank":
                var count: UInt64 = 0
                guard Options.number(&rest, &count), (1...10_000_000).contains(count) else { return nil }
                transfers = Int(count)
            case "--mutations": provesMutations = true
            case "--mutation":
                guard let name = rest.popFirst(), let defect = Defect.named(name) else { return nil }
                mutation = name
                if defect.kind == .transactions, transfers == nil { transfers = Defect.transfers }
            default: return nil
            }
        }
    }

    var processes: UInt64 { UInt64(jobs > 0 ? jobs : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
    var mutations: Mutations { mutation.flatMap { Defect.named($0)?.mutation } ?? [] }

    private static func number(_ rest: inout ArraySlice<String>, _ value: inout UInt64) -> Bool {
        guard let word = rest.popFirst(), let number = UInt64(word) else { return false }
        value = number
        return true
    }
}
