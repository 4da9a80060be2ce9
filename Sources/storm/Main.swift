import Glibc
import Primitives
import Wire

@main
struct Main {
    static func main() {
        guard let options = Options(Array(CommandLine.arguments.dropFirst())) else {
            say(Options.usage)
            exit(2)
        }
        if let life = options.life { exit(relive(life, options)) }
        exit(options.isWorker ? work(options) : storm(options))
    }
}

/// A line that is on its way at once: a child's parent waits for it, and it must be out before a crash.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

/// Requests of one broker's life. A fresh one has nothing of what the last one took in, so that what grows all the same is a leak.
private let lifeRequests = 2000

private func siege(_ life: Int, _ options: Options) throws -> Siege? {
    guard let api = options.api, let listener = options.listener else { return nil }
    let place: UInt64 = listener == "CONTROLLER" ? 1 << 48 : listener == Logins.listener ? 1 << 49 : 0
    var mix = PRNG(seed: options.seed ^ UInt64(api.rawValue) << 32 ^ place)
    let seed = mix.next() &+ UInt64(life) &* 0x9e37_79b9_7f4a_7c15
    return try Siege(seed: seed, target: api, listener: listener)
}

/// A child: life after life, until so many requests were sent. A line for each, for the parent to read.
private func work(_ options: Options) -> Int32 {
    var left = options.requests
    var life = 0
    while left > 0 {
        say("life \(life)")
        do {
            guard var siege = try siege(life, options) else { return 2 }
            for _ in 0..<min(left, lifeRequests) { try siege.strike() }
            try siege.end()
            let counts = siege.counts
            say("lived \(counts.requests) \(counts.answered) \(counts.closed) \(Int(counts.slowestMs)) \(residentKilobytes())")
            say("codes \(counts.codes.sorted().map(String.init).joined(separator: " "))")
        } catch {
            let text = (error as? Breach)?.text ?? "\(error)"
            say("breach \(text)")
            return 1
        }
        left -= lifeRequests
        life += 1
    }
    return 0
}

/// One life, told request by request.
private func relive(_ life: Int, _ options: Options) -> Int32 {
    do {
        guard var siege = try siege(life, options) else { return 2 }
        siege.isTold = true
        for _ in 0..<lifeRequests { try siege.strike() }
        try siege.end()
        say("nothing happened")
        return 0
    } catch {
        say("breach \((error as? Breach)?.text ?? "\(error)")")
        return 1
    }
}

/// What the process holds in memory.
func residentKilobytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
    let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
    return words.count > 1 ? (Int(words[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) / 1024 : 0
}
