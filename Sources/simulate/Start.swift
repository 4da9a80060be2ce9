import Glibc
import Primitives
import Simulator

/// Reads the command line and does what it says.
func start() {
    guard let options = Options(Array(CommandLine.arguments.dropFirst())) else {
        say(Options.usage)
        exit(2)
    }
    if let path = options.scenario { exit(play(path)) }
    if let seed = options.replay { exit(replay(seed, options)) }
    if options.isWorker { exit(work(options)) }
    exit(options.provesMutations ? proveMutations(options) : soak(options))
}

extension Options {
    func simulation(_ seed: UInt64) throws -> Simulation {
        try simulation(seed, mutations)
    }

    func simulation(_ seed: UInt64, _ mutations: Mutations) throws -> Simulation {
        if let transfers {
            return try Simulation.banking(seed: seed, transfers: transfers, mutations: mutations, brokers: brokers)
        }
        if isCompacting { return try Simulation.compacting(seed: seed, mutations: mutations, brokers: brokers) }
        return try Simulation(seed: seed, mutations: mutations, brokers: brokers)
    }
}

/// Runs one seed and prints its trace, and what it violated.
private func replay(_ seed: UInt64, _ options: Options) -> Int32 {
    guard let simulation = try? options.simulation(seed) else {
        say("seed \(seed): the cluster could not be made")
        return 1
    }
    simulation.world.trace.isRecording = true
    simulation.world.trace.isDetailed = options.isDetailed
    simulation.world.trace.linesMax = max(options.lines, 100)
    let outcome = simulation.run()
    for line in simulation.world.trace.tail(options.lines) { say(line) }
    say("seed \(seed): \(simulation.swarm)")
    say("seed \(seed): \(outcome.milliseconds) virtual ms, \(outcome.events) events, hash \(outcome.hash)")
    for (fault, count) in outcome.faults { say("  \(fault.name): \(count)") }
    if outcome.hasty.acknowledged > 0 {
        say("acknowledged by the leader alone: \(outcome.hasty.acknowledged), lost \(outcome.hasty.lost)")
    }
    if let bank = outcome.bank { say("\(bank)") }
    for violation in outcome.violations { say("VIOLATION \(violation)") }
    return outcome.isClean ? 0 : 1
}

/// Plays a scenario and prints the file as it would be with what was printed now.
private func play(_ path: String) -> Int32 {
    guard let file = fopen(path, "r") else {
        say("cannot open \(path)")
        return 2
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[0..<count] }
    let scenario = Scenario(String(decoding: bytes, as: UTF8.self))
    let runner = ScenarioRunner()
    let outputs = scenario.blocks.map { runner.run($0) }
    print(scenario.text(outputs), terminator: "")
    return zip(scenario.blocks, outputs).allSatisfy { $0.expected == $1 } ? 0 : 1
}

/// Runs seeds and prints, for each, that it begins and how it ended, for the parent to read.
private func work(_ options: Options) -> Int32 {
    func run(_ seed: UInt64) -> Simulation.Outcome? {
        (try? options.simulation(seed))?.run()
    }
    var seed = options.first
    while seed < options.first + options.seeds {
        say("begin \(seed)")
        guard var outcome = run(seed) else {
            say("end \(seed) 0 0 0 0 0 0 - - the cluster could not be made")
            return 1
        }
        if !options.once, outcome.isClean, let again = run(seed), again.hash != outcome.hash {
            outcome.violations.append(
                Violation(rule: "determinism", text: "two runs differ: \(outcome.hash), \(again.hash)", milliseconds: 0))
        }
        // What this seed shows without the defect as well says nothing of the defect.
        if options.mutation != nil, !outcome.isClean {
            let plain = try? options.simulation(seed, []).run()
            if plain?.isClean == false { outcome.violations = [] }
        }
        let faults = outcome.faults.map { "\($0.key.rawValue):\($0.value)" }.joined(separator: ",")
        let told = outcome.violations.first.map { $0.description.split(separator: "\n").joined(separator: " ") } ?? ""
        say(
            "end \(seed) \(outcome.milliseconds) \(outcome.events) \(outcome.sent) \(outcome.acknowledged) \(outcome.read) "
                + "\(outcome.metadataChanges) \(faults.isEmpty ? "-" : faults) \(outcome.bank?.word ?? "-") \(told)")
        seed += options.step
    }
    return 0
}

/// A line that is on its way at once: a child's parent waits for it.
func say(_ line: String) {
    print(line)
    fflush(nil)
}
