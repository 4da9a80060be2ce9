import Console
import Glibc
import Grid
import Primitives
import Terminal

/// What a session shows the console on, and hears from its user by: a terminal, or lines. Owner: the UI thread.
protocol SessionScreen: AnyObject {
    var size: (width: Int, height: Int) { get }
    var glyphs: Glyphs { get }
    /// To be polled for what is typed.
    var inputDescriptor: Int32 { get }
    /// There is nobody any more who could type something.
    var isAtEnd: Bool { get }
    /// What was sent and not taken yet: a descriptor to be polled for room. `flush` then goes on.
    var backlog: Int32? { get }
    func flush()
    /// Bytes sent since last asked.
    func takeSent() -> Int
    func show(_ console: Console)
    /// What was typed since last asked, as the console at hand understands it.
    func read(_ console: Console, now: Now) -> [ConsoleEvent]
    func resized() -> (width: Int, height: Int)
    func redraw()
    func suspend()
    func resume()
    func bell()
    func notify(_ text: String)
    func copy(_ text: String) -> Bool
    func setTheme(_ theme: Theme)
    func close()
}

extension Terminal: SessionScreen {
    /// The terminal's own end is told by poll.
    var isAtEnd: Bool { false }
    func show(_ console: Console) { show(console.render()) }
    func read(_ console: Console, now: Now) -> [ConsoleEvent] { read().map { .input($0) } }
}

/// Lines instead of a screen: standard input is read line by line, with the terminal's own editing where there is one, and standard output
/// gets plain lines. Nothing moves a cursor. Works on pipes too.
final class LineScreen: SessionScreen {
    /// A line that is longer is taken in pieces of this.
    private static let lineMax = 64 * 1024

    private var mode = LineMode()
    private var typed: [UInt8] = []
    private var sent = 0
    private var hasGreeted = false
    private(set) var isAtEnd = false
    /// Rows that count as visible: those that are asked for first.
    let size = (width: 200, height: 60)
    var glyphs: Glyphs { .ascii }
    var inputDescriptor: Int32 { STDIN_FILENO }
    var backlog: Int32? { nil }

    func flush() {}
    func takeSent() -> Int {
        defer { sent = 0 }
        return sent
    }

    func show(_ console: Console) {
        if !hasGreeted { say([LineMode.greeting]) }
        hasGreeted = true
        say(mode.news(console))
    }

    /// One line at a time: what the next one means depends on what this one does.
    func read(_ console: Console, now: Now) -> [ConsoleEvent] {
        var events: [ConsoleEvent] = []
        var after = console
        for line in takeLines() {
            let answer = mode.typed(line, after, now: now)
            say(answer.lines)
            for event in answer.events { _ = after.update(event, now: now) }
            if !answer.events.isEmpty { say(mode.news(after)) }
            events += answer.events
        }
        return events
    }

    private func takeLines() -> [String] {
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        var wanted = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        while typed.count < LineScreen.lineMax, poll(&wanted, 1, 0) > 0 {
            let count = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { isAtEnd = true }
            guard count > 0 else { break }
            typed += chunk.prefix(count)
        }
        var lines: [String] = []
        while let end = typed.firstIndex(of: 0x0A) {
            lines.append(String(decoding: typed[..<end], as: UTF8.self))
            typed.removeSubrange(...end)
        }
        if typed.count >= LineScreen.lineMax || isAtEnd && !typed.isEmpty {
            lines.append(String(decoding: typed, as: UTF8.self))
            typed = []
        }
        return lines
    }

    private func say(_ lines: [String]) {
        guard !lines.isEmpty else { return }
        put(lines.map { $0 + "\n" }.joined())
    }

    private func put(_ text: String) {
        var rest = Array(text.utf8)[...]
        sent += rest.count
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                isAtEnd = true
                return
            }
            rest = rest.dropFirst(count)
        }
    }

    func resized() -> (width: Int, height: Int) { size }
    func redraw() {}
    func suspend() {}
    func resume() {}
    func bell() { if isatty(STDOUT_FILENO) == 1 { put("\u{7}") } }
    /// The notice itself is a line already.
    func notify(_ text: String) {}
    func copy(_ text: String) -> Bool { false }
    func setTheme(_ theme: Theme) {}
    func close() {}
}
