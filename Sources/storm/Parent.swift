import Glibc
import Primitives
import Wire

/// One API on one listener, and what became of it.
final class Target {
    let api: APIKey
    let listener: String
    var pid: pid_t = 0
    var output: Int32 = -1
    var rest: [UInt8] = []
    var life = 0
    var heardAt = 0.0
    var requests = 0
    var answered = 0
    var closed = 0
    var slowestMs = 0
    /// Resident memory after each life, in kilobytes.
    var memory: [Int] = []
    var breach: String?
    var codes: Set<Int16> = []

    init(_ api: APIKey, _ listener: String) {
        (self.api, self.listener) = (api, listener)
    }

    /// The memory that the later half of its lives needed above the first half's: what a fresh broker each time cannot explain.
    var growthKilobytes: Int {
        guard memory.count >= 8 else { return 0 }
        let middle = memory.count / 2
        // The first lives warm the allocator up.
        return (memory[middle...].max() ?? 0) - (memory[2..<middle].max() ?? 0)
    }
}

/// Above this, memory is said to grow: an allocator's own ups and downs stay below.
private let growthKilobytesMax = 65_536
/// Seconds after which a child that says nothing counts as stuck.
private let silenceMax = 120.0

/// Strikes every API on each listener that serves it, in as many processes as told, and says what they came to.
func storm(_ options: Options) -> Int32 {
    let began = monotonicSeconds()
    var queue: [Target] = []
    for key in APIKey.allCases where options.api == nil || options.api == key {
        if key.advertisedVersions != nil { queue += [Target(key, "PLAINTEXT"), Target(key, Logins.listener)] }
        if key.controllerVersions != nil { queue.append(Target(key, "CONTROLLER")) }
    }
    if let listener = options.listener { queue.removeAll { $0.listener != listener } }
    say("storm: \(queue.count) APIs on their listeners, \(options.requests) requests each, seed \(options.seed)")
    var running: [Target] = []
    var done: [Target] = []
    queue.reverse()
    while !queue.isEmpty || !running.isEmpty {
        while running.count < options.jobs, let next = queue.popLast() {
            if spawn(next, options) { running.append(next) } else { next.breach = "no process could be started"; done.append(next) }
        }
        var polled = running.map { pollfd(fd: $0.output, events: Int16(POLLIN), revents: 0) }
        _ = poll(&polled, nfds_t(polled.count), 1000)
        for (index, target) in Array(running.enumerated()).reversed() {
            let isOver = polled[index].revents != 0 ? !read(target) : false
            let isSilent = monotonicSeconds() - target.heardAt > silenceMax
            guard isOver || isSilent else { continue }
            finish(target, isSilent: isSilent)
            running.remove(at: index)
            done.append(target)
            if target.breach != nil { tell(target, options) }
        }
    }
    return summary(done, options, seconds: monotonicSeconds() - began)
}

private func finish(_ target: Target, isSilent: Bool) {
    if isSilent { kill(target.pid, SIGKILL) }
    var status: Int32 = 0
    while waitpid(target.pid, &status, 0) < 0 && errno == EINTR {}
    close(target.output)
    if target.breach == nil, isSilent { target.breach = "stuck: nothing for \(Int(silenceMax)) s" }
    if target.breach == nil, status & 0x7f != 0 { target.breach = "crash: signal \(status & 0x7f)" }
    if target.breach == nil, status != 0 { target.breach = "exit \((status >> 8) & 0xff)" }
    if target.breach == nil, target.growthKilobytes > growthKilobytesMax {
        target.breach = "memory grew by \(target.growthKilobytes / 1024) MiB over \(target.memory.count) lives"
    }
}

private func tell(_ target: Target, _ options: Options) {
    say("\(target.api.name) on \(target.listener): \(target.breach ?? "")")
    say("  again: storm --api \(target.api.name) --listener \(target.listener) --seed \(options.seed) --life \(target.life)")
}

private func summary(_ targets: [Target], _ options: Options, seconds: Double) -> Int32 {
    let bad = targets.filter { $0.breach != nil }
    let requests = targets.reduce(0) { $0 + $1.requests }
    let answered = targets.reduce(0) { $0 + $1.answered }
    let closed = targets.reduce(0) { $0 + $1.closed }
    let slowest = targets.max { $0.slowestMs < $1.slowestMs }
    let largest = targets.max { ($0.memory.max() ?? 0) < ($1.memory.max() ?? 0) }
    say("")
    say("error codes that its answers had:")
    for target in targets where target.breach == nil {
        let codes = target.codes.sorted().map(String.init).joined(separator: " ")
        say("  \(target.api.name) on \(target.listener): \(codes.isEmpty ? "none" : codes)")
    }
    say("\(requests) requests, \(answered) answered, \(closed) connections closed, in \(Int(seconds)) s")
    if let slowest { say("slowest call: \(slowest.slowestMs) ms, under \(slowest.api.name)") }
    if let largest { say("most memory: \((largest.memory.max() ?? 0) / 1024) MiB, under \(largest.api.name)") }
    for target in bad { tell(target, options) }
    say("storm: \(targets.count - bad.count) passed, \(bad.count) failed")
    return bad.isEmpty ? 0 : 1
}

/// Starts a child at one API. False where that fails.
private func spawn(_ target: Target, _ options: Options) -> Bool {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return false }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let words = [
        CommandLine.arguments[0], "--worker", "--api", target.api.name, "--listener", target.listener, "--seed", "\(options.seed)",
        "--requests", "\(options.requests)",
    ]
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
    arguments.append(nil)
    let failed = posix_spawn(&target.pid, "/proc/self/exe", &actions, nil, &arguments, environ)
    for argument in arguments { free(argument) }
    posix_spawn_file_actions_destroy(&actions)
    close(ends[1])
    target.output = ends[0]
    target.heardAt = monotonicSeconds()
    return failed == 0
}

/// False at the end of its output.
private func read(_ target: Target) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = Glibc.read(target.output, &chunk, chunk.count)
    guard count > 0 else { return false }
    target.heardAt = monotonicSeconds()
    target.rest += chunk[0..<count]
    while let newline = target.rest.firstIndex(of: 10) {
        hear(String(decoding: target.rest[..<newline], as: UTF8.self), target)
        target.rest.removeSubrange(...newline)
    }
    return true
}

private func hear(_ line: String, _ target: Target) {
    let words = line.split(separator: " ")
    switch words.first {
    case "life": target.life = words.count > 1 ? Int(words[1]) ?? 0 : 0
    case "lived" where words.count == 6:
        let numbers = words.dropFirst().map { Int($0) ?? 0 }
        target.requests += numbers[0]
        target.answered += numbers[1]
        target.closed += numbers[2]
        target.slowestMs = max(target.slowestMs, numbers[3])
        target.memory.append(numbers[4])
    case "codes": for word in words.dropFirst() { if let code = Int16(word) { target.codes.insert(code) } }
    case "breach": target.breach = String(line.dropFirst(7))
    default: break
    }
}

func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
