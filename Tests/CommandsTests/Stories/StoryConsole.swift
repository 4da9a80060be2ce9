import CLinux
import ClientCore
import Console
import DevCluster
import Glibc
import Grid
import Observatory
import Primitives
import Reactor
import Terminal
import Testing

@testable import Commands

/// The screen of a console that nobody looks at but a test.
final class StoryScreen: SessionScreen {
    let inputDescriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    let glyphs = Glyphs.unicode
    let size: (width: Int, height: Int)
    private var typed: [InputEvent] = []
    private(set) var copied: [String] = []

    init(width: Int, height: Int) { size = (width, height) }

    deinit { Glibc.close(inputDescriptor) }

    func type(_ input: InputEvent) { typed.append(input) }
    func read(_ console: Console, now: Now) -> [ConsoleEvent] {
        defer { typed = [] }
        return typed.map { .input($0) }
    }
    func resized() -> (width: Int, height: Int) { size }
    func copy(_ text: String) -> Bool {
        copied.append(text)
        return true
    }
    var isAtEnd: Bool { false }
    var backlog: Int32? { nil }
    func flush() {}
    func takeSent() -> Int { 0 }
    func show(_ console: Console) {}
    func redraw() {}
    func setTheme(_ theme: Theme) {}
    func bell() {}
    func notify(_ text: String) {}
    func suspend() {}
    func resume() {}
    func close() {}
}

/// The whole console but for its terminal, on a real cluster: keys go in, and what is on the screen is looked at. Waits for what is
/// expected as a user would, without sleeping: it turns the session until it is there.
final class StoryConsole {
    let session: ConsoleSession
    private let screen: StoryScreen
    /// Called with each turn: what goes on in the cluster all the while.
    var onTurn: () -> Void = {}
    /// How long something may take to appear.
    static let patienceMs: Int64 = 60_000

    init(
        _ cluster: DevCluster, in directory: String, contexts: [String: DevCluster] = [:], events: ClusterEventMailbox? = nil,
        width: Int = 120, height: Int = 40, configure: (inout ConsoleSessionOptions) -> Void = { _ in }
    ) throws {
        screen = StoryScreen(width: width, height: height)
        var options = ConsoleSessionOptions(contextName: "story", terminal: TerminalOptions(term: "xterm"))
        options.state = directory
        options.historyPath = "\(directory)/history.db"
        options.refreshMs = 250
        options.contexts = contexts.keys.sorted().map { name in
            let bootstrap = contexts[name]?.bootstrap.first?.description ?? "-"
            return ContextEntry(name: name, bootstrap: bootstrap, security: "-", isReadOnly: false, origin: "a story")
        }
        options.resolve = { (name: String) -> Result<ContextEntrance, ConsoleFailure> in
            guard let other = contexts[name] else { return .failure(ConsoleFailure("There is no context \(name).")) }
            return .success(ContextEntrance(name: name, entrance: ConsoleEntrance(other.bootstrap), gate: .open, color: nil))
        }
        configure(&options)
        let target = ConsoleTarget.known(cluster.bootstrap, try cluster.clientSecurity())
        session = ConsoleSession(target, screen, Theme.monochrome, SessionSignals([]), events, { cluster }, options)
        session.open(target)
    }

    /// On a recording, which needs no cluster: a fixture, or what somebody sent.
    init(replaying replay: SessionReplay, width: Int = 120, height: Int = 40) {
        screen = StoryScreen(width: width, height: height)
        var options = ConsoleSessionOptions(contextName: replay.recording.opening.name, terminal: TerminalOptions(term: "xterm"))
        options.refreshMs = 250
        options.play(replay)
        let target = ConsoleSessionOptions.recorded
        session = ConsoleSession(target, screen, Theme.monochrome, SessionSignals([]), nil, { nil }, options)
        session.open(target)
    }

    /// The screen but for its port numbers, which the system draws: a `3,1` in a list of addresses is no list of replicas.
    var text: String {
        let parts = session.console.render().text.split(separator: "127.0.0.1:", omittingEmptySubsequences: false)
        return parts.dropFirst().reduce(String(parts[0])) { text, part in
            let port = part.prefix { $0.isNumber }
            return text + "127.0.0.1:" + String(repeating: "#", count: port.count) + part.dropFirst(port.count)
        }
    }

    func press(_ names: String) {
        for name in names.split(separator: " ") {
            guard let key = Key(name: String(name)) else {
                Issue.record("no key \(name)")
                continue
            }
            screen.type(.key(key))
            session.turn(atMost: 0)
        }
    }

    func type(_ text: String) {
        for scalar in text.unicodeScalars { screen.type(.key(Key(scalar))) }
        session.turn(atMost: 0)
    }

    /// Turns the session until it is so; false where it never was.
    func until(_ holds: () -> Bool) -> Bool {
        let deadline = SystemClock.instant().adding(milliseconds: StoryConsole.patienceMs)
        while !holds() {
            if SystemClock.instant() >= deadline { return false }
            onTurn()
            session.turn(atMost: 100)
        }
        return true
    }

    /// Lets so much time go by, and the session go on.
    func watch(milliseconds: Int64) {
        let deadline = SystemClock.instant().adding(milliseconds: milliseconds)
        while SystemClock.instant() < deadline { session.turn(atMost: 100) }
    }

    func close() { session.close() }
}
