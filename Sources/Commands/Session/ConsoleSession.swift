import CLinux
import Client
import ClientCore
import Console
import DevCluster
import Glibc
import Grid
import Observatory
import Payloads
import Primitives
import Reactor
import Terminal

/// What a console is started with.
package struct ConsoleSessionOptions: Sendable {
    /// What the header calls the cluster: a context's name, `dev`, `demo`, or the address.
    package var contextName: String
    package var mode = ChangeMode.writable
    /// Why nothing may be changed, in words that name who says so; with `mode` other than writable.
    package var gate = ChangeGate.open
    /// Who makes plans here, where others have to agree to them.
    var maker: String?
    package var contexts: [ContextEntry] = []
    package var keys = KeyMap.standard
    package var commands: [ExternalCommand] = []
    package var columns: [ColumnWish] = []
    package var links: [LinkTemplate] = []
    package var alerts: [AlertRule] = []
    /// What of messages is masked, and whether the cluster it begins with requires that.
    var masks = MessageMasks.none
    /// The colour of the context's name.
    package var color: Color?
    package var resolve: ContextResolver = { _ in .failure(ConsoleFailure("No contexts.")) }
    /// A theme's name, or a skin file's path.
    package var theme = ThemeStore.standard
    package var themes = ThemeStore()
    package var terminal: TerminalOptions
    /// A command as typed after the colon, for the view to begin with.
    package var command: String?
    /// Time between two refreshes of what is on the screen.
    package var refreshMs: Int64 = 1000
    /// The most bytes a second that the terminal is sent; nil: no bound, and no figure in the header.
    package var maxBytesPerSecond: Int?
    /// Lines instead of a screen.
    package var isLineByLine = false
    /// The schema registry of the cluster it begins with.
    package var registry: SchemaRegistry?
    /// The Connect clusters beside it.
    var connect = ConnectAccess()
    /// The file of the history; nil: none is kept.
    package var historyPath: String? = "\(Paths.state)/history.db"
    /// Whether the cluster it begins with may be in it.
    package var keepsHistory = true
    /// Where the session is written down; nil: nowhere.
    var recorder: SessionRecorder?
    /// What is played in a cluster's stead.
    var replay: SessionReplay?
    /// The directory of the audit and of what is under way.
    package var state = Paths.state

    package init(contextName: String, terminal: TerminalOptions) {
        self.contextName = contextName
        self.terminal = terminal
    }
}

/// Where the cluster is: known already, or known once it has been started, which then happens behind the first frame.
package enum ConsoleTarget: Sendable {
    case known([ServerAddress], ClientSecurity = .none)
    case starting(@Sendable () -> Result<ConsoleEntrance, ConsoleFailure>)
}

/// A cluster's brokers, and how they let one in.
package struct ConsoleEntrance: Sendable {
    package var addresses: [ServerAddress]
    package var security: ClientSecurity
    /// What the console says first.
    package var notice: String?

    package init(_ addresses: [ServerAddress], _ security: ClientSecurity = .none) {
        self.addresses = addresses
        self.security = security
    }
}

/// Makes out how to connect to a context; may take its time, and is called on a thread of its own.
package typealias ContextResolver = @Sendable (String) -> Result<ContextEntrance, ConsoleFailure>

/// A cluster that the console goes over to.
package struct ContextEntrance: Sendable {
    package var name: String
    package var entrance: ConsoleEntrance
    package var gate: ChangeGate
    package var color: Color?
    package var keepsHistory: Bool
    package var registry: SchemaRegistry?
    var connect = ConnectAccess()
    /// Who says that masks are not to be taken away; nil: nobody.
    package var masksRequiredBy: String?
    /// Who makes plans here, where others have to agree to them.
    var maker: String?

    package init(
        name: String, entrance: ConsoleEntrance, gate: ChangeGate, color: Color?, keepsHistory: Bool = true,
        registry: SchemaRegistry? = nil, masksRequiredBy: String? = nil
    ) {
        self.masksRequiredBy = masksRequiredBy
        (self.name, self.entrance, self.gate, self.color) = (name, entrance, gate, color)
        (self.keepsHistory, self.registry) = (keepsHistory, registry)
    }
}

/// How a session ended.
package enum ConsoleEnd: Equatable, Sendable {
    /// The user quit, or a signal asked to.
    case quit
    /// The terminal went away.
    case hangup
    /// There was no terminal that could show it.
    case noScreen(TerminalError)
    /// The cluster could not be started; said after the screen was given back.
    case notStarted(ConsoleFailure)
}

/// The interactive console: the UI thread, which is the one that calls `run`. It alone touches the terminal and the `Console` value; it
/// sleeps in `poll` on the terminal, signals and its mailbox, and never waits for a request. Everything else comes as events.
///
/// The first frame is drawn before anything is connected. A key is answered at once; news are drawn at most `framesPerSecond` times a
/// second, and when nothing changed nothing is sent to the terminal.
package final class ConsoleSession {
    static let framesPerSecond: Int64 = 30

    let options: ConsoleSessionOptions
    var console: Console
    let terminal: any SessionScreen
    let mailbox = ConsoleMailbox()
    let signals: SessionSignals
    var connection: SessionConnection?
    /// The other clusters, while they are looked at.
    var clusters: ClusterWatch?
    /// Counts the clusters this session was on: what an earlier one still sends is not shown.
    var generation = 0
    /// By which plans are carried out now. The one truth; the console is told.
    var gate: ChangeGate
    var maker: String?
    /// What the gate is when nothing is armed.
    var usualGate: ChangeGate
    var theme: Theme
    var color: Color?
    var themeName: String
    let skins: SkinWatch?
    /// How many programs of alerts run now.
    let hooks = HookCount()
    /// A command for the next cluster's first screen.
    var nextCommand: String?
    /// Nil where none is kept for any cluster.
    let wholeHistory: SessionHistory?
    /// Whether the cluster this session is on may be in it.
    var keepsHistory: Bool
    /// Of the cluster this session is on.
    var registry: SchemaRegistry?
    var connect: ConnectAccess
    var masks: MessageMasks
    var history: SessionHistory? { keepsHistory ? wholeHistory : nil }
    let events: ClusterEventMailbox?
    /// The faults that can be made on purpose, once the cluster runs; nothing on a cluster that is not of this process.
    let chaos: @Sendable () -> (any ChaosControls)?
    /// Counts the wishes to go elsewhere: only the last one counts.
    var switches = 0
    var end: ConsoleEnd?
    private var isDirty = true
    private var isUrgent = true
    private var lastFrame = Instant.zero
    private var budget: WireBudget
    private var lastReading = Instant.zero
    private var wasHeldBack = false
    private var memory = SessionMemory()
    /// The terminal took no more of late: the header says what it is sent though there is no bound.
    private var isSlowUntil = Instant.zero

    /// Runs a console on standard input and output until it is quit. `events` brings what brokers in this process say happened.
    package static func run(
        _ target: ConsoleTarget, events: ClusterEventMailbox? = nil, chaos: @escaping @Sendable () -> (any ChaosControls)? = { nil },
        options: ConsoleSessionOptions
    ) -> ConsoleEnd {
        let isTerminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
        guard isTerminal || options.isLineByLine else { return .noScreen(.noTerminal) }
        if case .known = target { SessionMemory.prepare() }
        let signals = SessionSignals()
        defer { signals.restore() }
        do throws(TerminalError) {
            let theme = (try? options.themes.load(options.theme)) ?? Theme.monochrome
            let terminal: any SessionScreen =
                if options.isLineByLine {
                    LineScreen()
                } else {
                    try Terminal(
                        input: STDIN_FILENO, output: STDOUT_FILENO, options: options.terminal,
                        theme: theme.coloured(context: options.color))
                }
            let session = ConsoleSession(target, terminal, theme, signals, events, chaos, options)
            session.loop(target)
            session.close()
            return session.end ?? .quit
        } catch {
            return .noScreen(error)
        }
    }

    init(
        _ target: ConsoleTarget, _ terminal: any SessionScreen, _ theme: Theme, _ signals: SessionSignals, _ events: ClusterEventMailbox?,
        _ chaos: @escaping @Sendable () -> (any ChaosControls)?, _ options: ConsoleSessionOptions
    ) {
        self.options = options
        self.terminal = terminal
        self.theme = theme
        (gate, usualGate, color) = (options.gate, options.gate, options.color)
        maker = options.maker
        self.signals = signals
        self.events = events
        (keepsHistory, registry, connect, masks) = (options.keepsHistory, options.registry, options.connect, options.masks)
        if let path = options.historyPath { wholeHistory = SessionHistory(path: path, mailbox) } else { wholeHistory = nil }
        self.chaos = chaos
        var addresses: [String] = []
        if case .known(let list, _) = target { addresses = list.map(\.description) }
        var consoleOptions = ConsoleOptions(
            contextName: options.contextName, bootstrap: addresses.isEmpty ? ["localhost"] : addresses, mode: options.mode,
            glyphs: terminal.glyphs, themeNames: options.themes.names)
        consoleOptions.contexts = options.contexts
        consoleOptions.hasContextColor = options.color != nil
        (consoleOptions.masks, consoleOptions.masksRequiredBy) = (options.masks.book, options.masks.requiredBy)
        (consoleOptions.commands, consoleOptions.columns, consoleOptions.alerts) = (options.commands, options.columns, options.alerts)
        consoleOptions.links = options.links
        console = Console(options: consoleOptions, keys: options.keys)
        themeName = options.theme
        budget = WireBudget(cap: options.maxBytesPerSecond)
        skins = SkinWatch(options.themes.directories)
        console.tools.compile = compileTailProgram
        console.tools.read = { message, format in message.read(as: format) }
    }

    // MARK: The loop

    private func loop(_ target: ConsoleTarget) {
        open(target)
        while end == nil { turn() }
    }

    /// The first frame, and after it the way to the cluster.
    func open(_ target: ConsoleTarget) {
        let size = terminal.size
        feed(.input(.resize(width: size.width, height: size.height)))
        if let replay = options.replay { feed(.replay(replay.state)) }
        if (try? options.themes.load(options.theme)) == nil { feed(.notice(Notice(.warning, "There is no theme \(options.theme)."))) }
        draw()
        begin(target)
    }

    /// Sleeps until something happens, or for so many milliseconds at most, and takes in what did.
    func turn(atMost milliseconds: Int32 = -1) {
        wait(atMost: milliseconds)
        takeSignals()
        for event in terminal.read(console, now: SystemClock.now()) {
            isUrgent = true
            take(event)
        }
        turnReplay()
        if terminal.isAtEnd, end == nil { end = .quit }
        takeMail()
        if skins?.takeChange() == true { reloadTheme() }
        terminal.flush()
        drawIfDue()
        tellBudget()
    }

    /// What is typed is written down before it is done. In a recording, a key of the user's own ends those that were recorded.
    private func take(_ event: ConsoleEvent) {
        guard case .input(let input) = event else { return feed(event) }
        if let recorder = options.recorder {
            let isText = if case .prompt? = console.overlay { true } else if case .form? = console.overlay { true } else { false }
            let isUnseen = if case .form(let form)? = console.overlay { form.isTypedUnseen } else { false }
            recorder.input(input, isText: isText, isUnseen: isUnseen)
        }
        if let replay = options.replay, case .key(let key) = input, console.replayControl(key) == nil, replay.takeOver() {
            feed(.notice(Notice(.info, "Your own keys from here on; the cluster goes on as it was recorded.")))
        }
        feed(.input(input))
    }

    /// What is due in the recording that is played.
    private func turnReplay() {
        guard let replay = options.replay else { return }
        let before = end
        for input in replay.takeInputs() {
            isUrgent = true
            feed(.input(input))
        }
        if before == nil, end == .quit {
            // Whoever was recorded has gone; whoever looks stays.
            end = nil
            if !replay.state.isPaused { replay.perform(.pause) }
            feed(.notice(Notice(.info, "Here the recording was quit.")))
        }
        var state = replay.state
        if state.position < state.length { state.position -= state.position % 1000 }
        if state != console.replay { feed(.replay(state)) }
    }

    private func begin(_ target: ConsoleTarget) {
        switch target {
        case .known(let addresses, let security): connect(ConsoleEntrance(addresses, security))
        case .starting(let start):
            let mailbox = mailbox
            SessionThread.run { mailbox.post(.started(start())) }
        }
    }

    func connect(_ entrance: ConsoleEntrance) {
        let addresses = entrance.addresses
        isDirty = true
        console.bootstrapKnown(addresses.map(\.description))
        let connection = SessionConnection(
            entrance, mailbox, generation: generation, refreshMs: options.refreshMs, registry: registry, connect: connect,
            masks: masks,
            state: options.state,
            resolve: options.resolve, tape: options.replay?.tape ?? options.recorder?.tape())
        self.connection = connection
        if generation == 0 { events?.attach { connection.ingest($0) } }
        connection.watch(console.currentInterest())
        isUrgent = true
        if generation == 0, let controls = chaos() { feed(.chaos(SessionChaos.conditions(controls))) }
        if let notice = entrance.notice { feed(.notice(Notice(.info, notice))) }
        if let command = generation == 0 ? options.command : nextCommand { feed(.command(command)) }
    }

    /// Sleeps until something arrives, a frame is due, or something on the screen changes by itself.
    private func wait(atMost milliseconds: Int32) {
        var deadline = console.nextDeadline ?? .distantFuture
        // A terminal that takes no more says so itself when it does again.
        if isDirty, terminal.backlog == nil { deadline = min(deadline, frameDeadline) }
        if let due = nextReading { deadline = min(deadline, due) }
        var timeout: Int32 = -1
        if deadline != .distantFuture {
            let nanoseconds = deadline.nanoseconds &- SystemClock.instant().nanoseconds
            timeout = deadline == .zero || nanoseconds <= 0 ? 0 : Int32(clamping: (nanoseconds + 999_999) / 1_000_000)
        }
        if options.replay != nil { timeout = timeout < 0 ? SessionReplay.tickMs : min(timeout, SessionReplay.tickMs) }
        if milliseconds >= 0 { timeout = timeout < 0 ? milliseconds : min(timeout, milliseconds) }
        var watched = [
            pollfd(fd: terminal.inputDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: mailbox.descriptor, events: Int16(POLLIN), revents: 0),
            // Negative where nothing is watched: poll passes it over.
            pollfd(fd: skins?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: terminal.backlog ?? -1, events: Int16(POLLOUT), revents: 0),
        ]
        let count = poll(&watched, nfds_t(watched.count), timeout)
        if count == 0, let due = console.nextDeadline, due <= SystemClock.instant() { feed(.tick) }
        // Lines may wait in a pipe whose other end is gone.
        let isGone = watched[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0
        if isGone, !options.isLineByLine || watched[0].revents & Int16(POLLIN) == 0 { end = options.isLineByLine ? .quit : .hangup }
    }

    /// When the next frame may be drawn: a key's at once, news a little after the last, and both as the budget has it.
    private var frameDeadline: Instant {
        let paid = budget.nextFrame(isUrgent: isUrgent)
        return isUrgent ? paid : max(paid, lastFrame.adding(milliseconds: 1000 / ConsoleSession.framesPerSecond))
    }

    private func drawIfDue() {
        guard isDirty, end == nil else { return }
        let now = SystemClock.instant()
        if terminal.backlog != nil || budget.nextFrame(isUrgent: isUrgent) > now { wasHeldBack = true }
        if terminal.backlog != nil { isSlowUntil = now.adding(milliseconds: ConsoleSession.slowMs) }
        guard terminal.backlog == nil, frameDeadline <= now else { return }
        draw()
    }

    private func draw() {
        terminal.show(console)
        isDirty = false
        isUrgent = false
        lastFrame = SystemClock.instant()
        budget.sent(terminal.takeSent(), at: lastFrame)
    }

    // MARK: The budget in the header

    /// Once a second while the figure is not zero: it falls to that, and then nothing more is sent for its sake.
    private var nextReading: Instant? {
        let now = SystemClock.instant()
        let isShown = budget.cap != nil || now < isSlowUntil
        guard isShown ? wasHeldBack || budget.rate(at: now) > 0 : console.wire != nil else { return nil }
        return lastReading.adding(milliseconds: 1000)
    }

    private static let slowMs: Int64 = 15_000

    private func tellBudget() {
        let now = SystemClock.instant()
        guard let due = nextReading, due <= now else { return }
        lastReading = now
        let isShown = budget.cap != nil || now < isSlowUntil
        let reading = isShown ? WireReading(rate: budget.rate(at: now), cap: budget.cap, isHolding: wasHeldBack) : nil
        wasHeldBack = false
        if reading != console.wire { feed(.wire(reading)) }
    }

    func feed(_ event: ConsoleEvent) {
        isDirty = true
        for request in console.update(event, now: options.replay?.now() ?? SystemClock.now()) { perform(request) }
    }

    // MARK: What arrives

    private func takeSignals() {
        for signal in signals.take() {
            switch signal {
            case SIGWINCH:
                let size = terminal.resized()
                isUrgent = true
                feed(.input(.resize(width: size.width, height: size.height)))
            case SIGTSTP: suspend()
            case SIGCONT: terminal.redraw()
            case SIGHUP: end = .hangup
            default: end = .quit
            }
        }
    }

    private func takeMail() {
        let mail = mailbox.take()
        for item in mail.items {
            switch item {
            case .event(let event): feed(event)
            case .from(let generation, let event): if generation == self.generation { feed(event) } else { feedLate(event) }
            case .entered(let number, .success(let context)):
                guard number == switches else { continue }
                if let objection = objection(to: context) { feed(.notice(Notice(.warning, objection))) } else { enter(context) }
            case .entered(let number, .failure(let failure)):
                if number == switches { feed(.notice(Notice(.error, failure.message))) }
            case .started(.success(let entrance)): connect(entrance)
            case .started(.failure(let failure)): end = .notStarted(failure)
            }
        }
        if let (number, snapshot) = mail.snapshot, number == generation {
            feed(.snapshot(snapshot))
            let connection = connection
            history?.take(
                snapshot, at: SystemClock.instant(), recalled: { connection?.recall($0) }, done: { connection?.ingest($0) })
            let history = history
            connection?.readBack(snapshot) { history?.keep($0, of: snapshot.clusterID) }
            memory.tend(now: SystemClock.instant())
        }
        if let tail = connection?.takeTail() { feed(.tail(tail)) }
    }

    func suspend() {
        terminal.suspend()
        signals.stopProcessGroup()
        terminal.resume()
        let size = terminal.resized()
        isUrgent = true
        feed(.input(.resize(width: size.width, height: size.height)))
    }

    func close() {
        events?.detach()
        terminal.close()
        clusters?.stop()
        connection?.stop()
        wholeHistory?.stop()
    }
}
