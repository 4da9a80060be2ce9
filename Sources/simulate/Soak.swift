import Glibc
import Primitives
import Simulator

/// What many seeds came to.
struct Tally {
    var seeds = 0
    var milliseconds: Int64 = 0
    var events = 0
    var sent = 0
    var acknowledged = 0
    var read = 0
    var metadataChanges = 0
    var faults: OrderedMap<FaultClass, Int> = OrderedMap()
    var bank = BankFigures()
    var violations: [(seed: UInt64, text: String)] = []

    /// A worker's line about a seed that has ended.
    mutating func add(_ line: String) {
        let words = line.split(separator: " ", maxSplits: 10, omittingEmptySubsequences: false)
        guard words.count >= 10, let seed = UInt64(words[1]) else { return }
        seeds += 1
        milliseconds += Int64(words[2]) ?? 0
        events += Int(words[3]) ?? 0
        sent += Int(words[4]) ?? 0
        acknowledged += Int(words[5]) ?? 0
        read += Int(words[6]) ?? 0
        metadataChanges += Int(words[7]) ?? 0
        for pair in words[8].split(separator: ",") {
            let parts = pair.split(separator: ":")
            guard parts.count == 2, let fault = Int(parts[0]).flatMap({ FaultClass(rawValue: $0) }) else { continue }
            faults[fault, default: 0] += Int(parts[1]) ?? 0
        }
        if let figures = BankFigures(word: words[9]) { bank += figures }
        if words.count > 10, !words[10].isEmpty { violations.append((seed, String(words[10]))) }
    }

    func report(seconds: Double, _ options: Options) {
        let hours = Double(milliseconds) / 3_600_000
        say("")
        for (seed, text) in violations.sorted(by: { $0.seed < $1.seed }).prefix(40) { say("seed \(seed): \(text)") }
        if let first = violations.min(by: { $0.seed < $1.seed }) {
            let mutation = options.mutation.map { " --mutation \($0)" } ?? ""
            let brokers = options.brokers.map { " --brokers \($0)" } ?? ""
            let kind = options.isCompacting ? " --compaction" : options.transfers.map { " --bank \($0)" } ?? ""
            say("replay: .build/release/simulate --seed \(first.seed)\(brokers)\(mutation)\(kind)")
        }
        let speed = hours / max(seconds / 3600, 0.000_001)
        say("\(seeds) seeds, \(text(hours)) simulated cluster-hours in \(text(seconds)) s (\(text(speed)) an hour)")
        say("\(events) events; \(sent) records sent, \(acknowledged) acknowledged, \(read) read; \(metadataChanges) metadata changes")
        say("faults: " + faults.map { "\($0.key.name) \($0.value)" }.joined(separator: ", "))
        if bank.transfers > 0 { say("\(bank)") }
        say("violations: \(violations.count)")
    }

    private func text(_ number: Double) -> String {
        let tenths = Int64((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

/// One child at its share of the seeds.
private final class Worker {
    let pid: pid_t
    let output: Int32
    let step: UInt64
    /// The seed it is at; nil between two.
    var seed: UInt64?
    /// The next one it would begin.
    var next: UInt64
    var rest: [UInt8] = []
    var heardAt = monotonicSeconds()

    init(pid: pid_t, output: Int32, next: UInt64, step: UInt64) {
        (self.pid, self.output, self.next, self.step) = (pid, output, next, step)
    }
}

/// Seconds after which a seed that says nothing counts as stuck.
private let silenceMax = 180.0

func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Runs seeds in several processes and says what they came to. A seed that crashes its process counts as a violation.
func soak(_ options: Options) -> Int32 {
    let began = monotonicSeconds()
    say("simulate: seeds \(options.first) to \(options.first + options.seeds - 1), \(options.processes) at a time")
    let tally = runSeeds(options, stopsAtFirst: false) { say($0) }
    tally.report(seconds: monotonicSeconds() - began, options)
    return tally.violations.isEmpty ? 0 : 1
}

/// `stopsAtFirst`: at the first violation the other processes are ended too.
func runSeeds(_ options: Options, stopsAtFirst: Bool, _ tell: (String) -> Void) -> Tally {
    var tally = Tally()
    var workers: [Worker] = []
    for job in 0..<options.processes {
        if let worker = spawn(options.first + job, options) { workers.append(worker) }
    }
    while !workers.isEmpty {
        var polled = workers.map { pollfd(fd: $0.output, events: Int16(POLLIN), revents: 0) }
        _ = poll(&polled, nfds_t(polled.count), 1000)
        for (index, worker) in Array(workers.enumerated()).reversed() {
            let isOver = polled[index].revents != 0 ? !read(worker, &tally, tell) : false
            let isSilent = monotonicSeconds() - worker.heardAt > silenceMax
            guard isOver || isSilent else { continue }
            workers.remove(at: index)
            if isSilent { kill(worker.pid, SIGKILL) }
            let how = waitFor(worker)
            guard let seed = worker.seed else { continue }
            tally.seeds += 1
            tally.violations.append((seed, isSilent ? "stuck: no end within \(Int(silenceMax)) s" : "crash: the process ended with \(how)"))
            tell("seed \(seed): \(tally.violations.last?.text ?? "")")
            if let again = spawn(worker.next, options) { workers.append(again) }
        }
        if stopsAtFirst, !tally.violations.isEmpty {
            for worker in workers {
                kill(worker.pid, SIGKILL)
                _ = waitFor(worker)
            }
            return tally
        }
    }
    return tally
}

/// Turns each deliberate defect on and runs seeds until one notices. Says which did, and what it saw.
func proveMutations(_ options: Options) -> Int32 {
    var missed = 0
    for defect in Defect.all where options.mutation == nil || options.mutation == defect.name {
        let name = defect.name
        var each = options
        each.mutation = name
        if defect.kind == .transactions { each.transfers = options.transfers ?? Defect.transfers }
        each.once = true
        let tally = runSeeds(each, stopsAtFirst: true) { _ in }
        if let caught = tally.violations.first {
            say("\(name): caught by seed \(caught.seed), after \(tally.seeds) seeds: \(caught.text)")
        } else {
            missed += 1
            say("\(name): NOT caught by \(tally.seeds) seeds")
        }
    }
    say("mutations: \(Defect.all.count - missed) passed, \(missed) failed")
    return missed == 0 ? 0 : 1
}

private func waitFor(_ worker: Worker) -> String {
    var status: Int32 = 0
    while waitpid(worker.pid, &status, 0) < 0 && errno == EINTR {}
    close(worker.output)
    return status & 0x7f == 0 ? "exit \((status >> 8) & 0xff)" : "signal \(status & 0x7f)"
}

/// False at the end of its output.
private func read(_ worker: Worker, _ tally: inout Tally, _ tell: (String) -> Void) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = Glibc.read(worker.output, &chunk, chunk.count)
    guard count > 0 else { return false }
    worker.heardAt = monotonicSeconds()
    worker.rest += chunk[0..<count]
    while let newline = worker.rest.firstIndex(of: 10) {
        let line = String(decoding: worker.rest[..<newline], as: UTF8.self)
        worker.rest.removeSubrange(...newline)
        hear(line, worker, &tally, tell)
    }
    return true
}

private func hear(_ line: String, _ worker: Worker, _ tally: inout Tally, _ tell: (String) -> Void) {
    let words = line.split(separator: " ")
    guard words.count >= 2, let seed = UInt64(words[1]) else { return }
    if words[0] == "begin" {
        worker.seed = seed
        worker.next = seed + worker.step
    } else if words[0] == "end" {
        worker.seed = nil
        let before = tally.violations.count
        tally.add(line)
        if tally.violations.count > before { tell("seed \(seed): \(tally.violations[before].text)") }
        if tally.seeds % 500 == 0 { tell("simulate: \(tally.seeds) seeds done, \(tally.violations.count) violations") }
    }
}

/// A child for the seeds from `first` on, as far as the options go; as many processes share them.
private func spawn(_ first: UInt64, _ options: Options) -> Worker? {
    let end = options.first + options.seeds
    let step = options.processes
    guard first < end else { return nil }
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return nil }
    _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
    var words = ["/proc/self/exe", "--worker", "--first", "\(first)", "--seeds", "\(end - first)", "--step", "\(step)"]
    if options.isCompacting { words.append("--compaction") }
    if let transfers = options.transfers { words += ["--bank", "\(transfers)"] }
    if options.once { words.append("--once") }
    if let brokers = options.brokers { words += ["--brokers", "\(brokers)"] }
    if let mutation = options.mutation { words += ["--mutation", mutation] }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addclose(&actions, ends[1])
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = [strdup("SWIFT_BACKTRACE=enable=no"), nil]
    defer { for text in arguments + variables { free(text) } }
    var pid = pid_t()
    let code = posix_spawn(&pid, words[0], &actions, nil, &arguments, &variables)
    close(ends[1])
    guard code == 0 else { return nil }
    return Worker(pid: pid, output: ends[0], next: first, step: step)
}
