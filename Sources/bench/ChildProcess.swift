import CLinux
import Glibc
import Reactor

/// A program that the bench starts and ends.
final class ChildProcess {
    let pid: pid_t
    /// What it prints on standard output, or the terminal's other end.
    private let output: Int32
    private var isRunning = true

    /// POSIX_SPAWN_SETSID, which Swift's Glibc module leaves out.
    private static let newSession: Int16 = 0x80
    /// TIOCSPTLCK and TIOCGPTN, macros with arguments that do not cross over.
    private static let unlockTerminal: UInt = 0x4004_5431
    private static let terminalNumber: UInt = 0x8004_5430

    struct Failed: Error, CustomStringConvertible {
        var description: String
    }

    private init(pid: pid_t, output: Int32) {
        self.pid = pid
        self.output = output
    }

    deinit {
        stop(SIGKILL)
        close(output)
    }

    /// Starts `words` with its standard output in a pipe.
    static func start(_ words: [String], environment: [String] = []) throws -> ChildProcess {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failed(description: "no pipe: \(systemMessage(errno))") }
        defer { close(ends[1]) }
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[1])
        return ChildProcess(pid: try spawn(words, &actions, nil, environment), output: ends[0])
    }

    /// Starts `words` on a terminal of its own, of 120 columns and 40 rows.
    static func startOnTerminal(_ words: [String], environment: [String] = []) throws -> ChildProcess {
        // What posix_openpt, unlockpt and ptsname do, which Swift's Glibc module leaves out.
        let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var unlocked: Int32 = 0
        var number: UInt32 = 0
        guard terminal >= 0, ioctl(terminal, unlockTerminal, &unlocked) == 0, ioctl(terminal, terminalNumber, &number) == 0 else {
            throw Failed(description: "no terminal: \(systemMessage(errno))")
        }
        let name = "/dev/pts/\(number)"
        var size = winsize(ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(terminal, UInt(TIOCSWINSZ), &size)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Opened in the new session, it becomes its controlling terminal.
        posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, newSession)
        let pid = try spawn(words, &actions, &attributes, ["TERM=xterm-256color", "LANG=C.UTF-8"] + environment)
        return ChildProcess(pid: pid, output: terminal)
    }

    private static func spawn(
        _ words: [String], _ actions: UnsafePointer<posix_spawn_file_actions_t>, _ attributes: UnsafePointer<posix_spawnattr_t>?,
        _ more: [String]
    ) throws -> pid_t {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = more.map { strdup($0) }
        for name in ["PATH", "HOME", "TMPDIR"] {
            if let value = getenv(name) { variables.append(strdup("\(name)=\(String(cString: value))")) }
        }
        variables.append(nil)
        defer { for text in arguments + variables { free(text) } }
        var pid = pid_t()
        let code = posix_spawnp(&pid, words[0], actions, attributes, &arguments, &variables)
        guard code == 0 else { throw Failed(description: "cannot start \(words[0]): \(systemMessage(code))") }
        return pid
    }

    /// A chunk of output, or nil at its end or when `milliseconds` have passed.
    func read(milliseconds: Int32) -> [UInt8]? {
        var wanted = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, milliseconds) == 1 else { return nil }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(output, &chunk, chunk.count)
        return count > 0 ? Array(chunk[0..<count]) : nil
    }

    /// Types `text`, as far as the terminal takes it.
    func write(_ text: String) {
        var bytes = Array(text.utf8)
        _ = Glibc.write(output, &bytes, bytes.count)
    }

    /// Whether a program of that name is on the path.
    static func isInstalled(_ name: String) -> Bool {
        guard let path = getenv("PATH") else { return false }
        return String(cString: path).split(separator: ":").contains { access("\($0)/\(name)", X_OK) == 0 }
    }

    /// The first line, without its end.
    func firstLine(milliseconds: Int32 = 20_000) throws -> String {
        var line: [UInt8] = []
        while let chunk = read(milliseconds: milliseconds) {
            line += chunk
            if let end = line.firstIndex(of: 10) { return String(decoding: line[..<end], as: UTF8.self) }
        }
        throw Failed(description: "process \(pid) printed no line")
    }

    /// Bytes of memory that it holds now.
    var residentBytes: Int {
        guard let file = fopen("/proc/\(pid)/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return 0 }
        let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * 4096 : 0
    }

    /// Time that processors have spent on it.
    var processorSeconds: Double {
        guard let file = fopen("/proc/\(pid)/stat", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 1024)
        guard fgets(&line, 1024, file) != nil else { return 0 }
        // After the name, which stands in parentheses and may hold anything: user and system time are the 12th and 13th words.
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let words = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        guard words.count > 13, let user = Double(words[12]), let system = Double(words[13]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Waits for its end; the exit code, or nil where a signal ended it.
    @discardableResult
    func wait() -> Int32? {
        guard isRunning else { return nil }
        isRunning = false
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        return status & 0x7f == 0 ? (status >> 8) & 0xff : nil
    }

    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) -> Int32? {
        guard isRunning else { return nil }
        kill(pid, signal)
        return wait()
    }
}
