import CLinux
import Glibc
import Primitives

/// Another program, run without a shell: its words are exactly what it gets.
package enum Subprocess {
    package struct Failure: Error, Equatable, Sendable {
        /// A phrase that names the program and never what it printed: that may be a secret.
        package var message: String
    }

    /// Printed bytes beyond this end it.
    package static let outputMax = 1 << 20

    /// Runs it to its end and returns what it printed. Its input is empty, or that file; its complaints go nowhere. It is killed when
    /// its time is up.
    package static func output(
        of words: [String], environment: [(String, String)] = [], input: String = "/dev/null", timeoutMs: Int64 = 30_000
    ) throws(Failure) -> [UInt8] {
        let name = words.first ?? ""
        var ends: [Int32] = [-1, -1]
        guard kastellan_pipe(&ends) == 0 else { throw Failure(message: "\(name): \(systemMessage(errno))") }
        defer { if ends[0] >= 0 { Glibc.close(ends[0]) } }
        let process: pid_t
        do throws(Failure) {
            process = try spawn(words, environment, output: ends[1], input: input)
        } catch {
            Glibc.close(ends[1])
            throw error
        }
        Glibc.close(ends[1])
        var bytes: [UInt8] = []
        let problem = read(ends[0], into: &bytes, deadline: SystemClock.instant().adding(milliseconds: timeoutMs))
        if problem != nil { kill(-process, SIGKILL) }
        let status = wait(process)
        if let problem { throw Failure(message: "\(name): \(problem)") }
        guard status == 0 else { throw Failure(message: "\(name): \(outcome(status))") }
        return bytes
    }

    /// Runs it on the caller's own terminal to its end; returns its exit code, 128 and more for a signal.
    package static func foreground(_ words: [String], environment: [(String, String)] = []) throws(Failure) -> Int32 {
        let status = wait(try spawn(words, environment, output: nil))
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
    }

    /// Starts it and does not wait: somebody's hook. Its end is collected on a thread of its own.
    package static func detached(
        _ words: [String], environment: [(String, String)] = [], ended: @escaping @Sendable (Failure?) -> Void = { _ in }
    ) {
        let thread = spawnThread {
            do throws(Failure) {
                _ = try output(of: words, environment: environment)
                ended(nil)
            } catch {
                ended(error)
            }
        }
        pthread_detach(thread)
    }

    /// `output` nil: on our own standard streams and in our own process group.
    private static func spawn(
        _ words: [String], _ environment: [(String, String)], output: Int32?, input: String = "/dev/null"
    ) throws(Failure) -> pid_t {
        guard let name = words.first, !words.contains(where: { $0.utf8.contains(0) }) else { throw Failure(message: "no program to run") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var usual = sigset_t()
        sigemptyset(&usual)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGTSTP] { sigaddset(&usual, signal) }
        posix_spawnattr_setsigdefault(&attributes, &usual)
        var flags = Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
        if let output {
            posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
            posix_spawn_file_actions_adddup2(&actions, output, 1)
            posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
            // A group of its own, so that what it started goes with it when its time is up.
            posix_spawnattr_setpgroup(&attributes, 0)
            flags |= Int16(POSIX_SPAWN_SETPGROUP)
        }
        posix_spawnattr_setflags(&attributes, flags)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var variables = inherited(without: environment.map(\.0)) + environment.map { strdup("\($0.0)=\($0.1)") } + [nil]
        defer { variables.forEach { free($0) } }
        var process = pid_t()
        let result = posix_spawnp(&process, name, &actions, &attributes, &arguments, &variables)
        guard result == 0 else { throw Failure(message: "\(name): \(systemMessage(result))") }
        return process
    }

    private static func inherited(without names: [String]) -> [UnsafeMutablePointer<CChar>?] {
        var out: [UnsafeMutablePointer<CChar>?] = []
        var at = environ
        while let entry = at.pointee {
            let text = String(cString: entry)
            if !names.contains(where: { text.hasPrefix($0 + "=") }) { out.append(strdup(text)) }
            at += 1
        }
        return out
    }

    /// Reads to the end; what is wrong where there is none in time.
    private static func read(_ descriptor: Int32, into bytes: inout [UInt8], deadline: Instant) -> String? {
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let left = deadline.milliseconds(since: SystemClock.instant())
            guard left > 0 else { return "not finished in time" }
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&wanted, 1, Int32(clamping: left))
            if ready < 0 && errno == EINTR { continue }
            if ready == 0 { continue }
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return nil }
            bytes += chunk.prefix(count)
            if bytes.count > outputMax { return "prints more than \(outputMax) bytes" }
        }
    }

    private static func wait(_ process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
        return status
    }

    private static func outcome(_ status: Int32) -> String {
        status & 0x7f == 0 ? "ended with exit code \(status >> 8 & 0xff)" : "ended by signal \(status & 0x7f)"
    }
}
