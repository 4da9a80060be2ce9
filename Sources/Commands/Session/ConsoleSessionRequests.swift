import Console
import DevCluster
import Glibc
import Grid
import Observatory
import Primitives
import Reactor
import Terminal

/// What the console asks for, done.
extension ConsoleSession {
    func perform(_ request: ConsoleRequest) {
        if let replay = options.replay, let refusal = replay.refusal(of: request) {
            return mailbox.post(.event(.notice(Notice(.info, refusal))))
        }
        switch request {
        case .quit: end = .quit
        case .suspend: suspend()
        case .redraw: terminal.redraw()
        case .watch(let interest): connection?.watch(interest)
        case .refresh:
            connection?.refresh()
            clusters?.refresh()
        case .watchClusters(let names): watchClusters(names)
        case .compare(let ticket, let name): compare(ticket, name)
        case .history(let seek): seekPast(seek)
        case .plan(let ticket, let action): plan(ticket, action)
        case .run(let ticket, let plan): run(ticket, plan)
        case .abort(let ticket): connection?.sending.abort(ticket)
        case .steer(let ticket, let input): connection?.steer(ticket, input)
        case .resumeMoves(let ticket): resumeMoves(ticket)
        case .edit(let ticket, let text): edit(ticket, text)
        case .schemas(let question): askSchemas(question)
        case .clients: askClients()
        case .connect:
            if let connect = connection?.connect { connect.ask() } else { mailbox.post(.event(.connect(.noConnect))) }
        case .startTail(let query): connection?.startTail(query)
        case .stopTail(let session): connection?.stopTail(session)
        case .pauseTail(let session, let isPaused): connection?.pauseTail(session, isPaused)
        case .filterTail(let session, let filter): connection?.filterTail(session, filter)
        case .readTail(let session, let format): connection?.readTail(session, format)
        case .save(let name, let bytes): save(name, bytes)
        case .savePlan(let plan): savePlan(plan)
        case .readFile(let ticket, let name): mailbox.post(.event(.file(ticket: ticket, name: name, SessionFiles.read(name))))
        case .copy(let text):
            if !terminal.copy(text) {
                mailbox.post(.event(.notice(Notice(.warning, "This terminal takes no copies, or not of that length."))))
            }
        case .setTheme(let name): setTheme(name)
        case .chaos(let broker, let action): makeChaos(broker, action)
        case .switchContext(let name, let command): switchContext(name, then: command)
        case .arm(let minutes): arm(minutes)
        case .external(let run): runExternal(run)
        case .openLink(let name, let address): openLink(name, address)
        case .bell: terminal.bell()
        case .replay(let control):
            guard let replay = options.replay else { return }
            replay.perform(control)
            feed(.replay(replay.state))
        case .notify(let text): terminal.notify(text)
        case .hook(let run): runHook(run)
        }
    }

    private func seekPast(_ seek: HistorySeek) {
        guard let history else {
            return mailbox.post(.event(.past(seek, .failure(ConsoleFailure("This console keeps no history.")))))
        }
        history.seek(seek, of: (console.live ?? console.snapshot).clusterID)
    }

    private func askSchemas(_ question: SchemaQuestion) {
        guard let connection, let schemas = connection.schemas else { return mailbox.post(.event(.schemas(.noRegistry))) }
        schemas.ask(question)
    }

    /// Only who has the brokers in this process can say who is connected to them. Asked on a thread that may wait for them.
    private func askClients() {
        guard generation == 0, let witness = chaos() else { return mailbox.post(.event(.clients(.foreign))) }
        let (mailbox, generation) = (mailbox, generation)
        SessionThread.run { mailbox.post(.from(generation, .clients(.census(witness.census())))) }
    }

    private func plan(_ ticket: Int, _ action: PlanAction) {
        guard let connection else {
            return mailbox.post(.event(.planned(ticket: ticket, .failure(PlanError("The cluster is still starting.")))))
        }
        connection.plan(ticket, action)
    }

    /// What was begun and not finished, by whatever program of this user, is in the audit.
    private func resumeMoves(_ ticket: Int) {
        let cluster = console.snapshot.clusterID
        let file = "\(options.state)/audit.jsonl"
        let (mailbox, generation, connection) = (mailbox, generation, connection)
        SessionThread.run {
            do throws(Failure) {
                let action = try Audit.unfinished(cluster: cluster, in: file).action
                connection?.plan(ticket, action)
            } catch {
                mailbox.post(.from(generation, .planned(ticket: ticket, .failure(PlanError(error.message)))))
            }
        }
    }

    private func run(_ ticket: Int, _ plan: Plan) {
        guard let connection else {
            let outcome = PlanOutcome(title: plan.title, verdict: .failed, lines: ["The cluster is still starting."])
            return mailbox.post(.event(.planFinished(ticket: ticket, outcome)))
        }
        var audit = Audit(surface: "console", context: console.options.contextName, bootstrap: connection.bootstrap)
        audit.file = "\(options.state)/audit.jsonl"
        connection.run(ticket, plan, gate: gate, audit: audit, cluster: console.snapshot.clusterID)
    }

    /// A fault may take as long as a clean stop: on a thread of its own. What became of it is shown whether it was done or refused.
    private func makeChaos(_ broker: BrokerID, _ action: ChaosAction) {
        guard generation == 0, let controls = chaos(), gate.objection(at: SystemClock.instant()) == nil else { return }
        let mailbox = mailbox
        SessionThread.run {
            do throws(DevClusterError) {
                try controls.perform(action, on: broker)
            } catch {
                mailbox.post(.event(.notice(Notice(.error, "Broker \(broker): \(error.description)."))))
            }
            mailbox.post(.event(.chaos(SessionChaos.conditions(controls))))
        }
    }

    private func savePlan(_ plan: Plan) {
        guard var file = PlanFile(plan, cluster: console.snapshot.clusterID) else {
            return mailbox.post(.event(.notice(Notice(.warning, PlanFile.refusal(plan)))))
        }
        let digits = IsoTime.text(SystemClock.now().wall).filter { $0.isNumber || $0 == "T" }.prefix(15)
        file.maker = maker
        let name = "plan-\(digits).json"
        let result = SessionFiles.create(name, Bytes(file.text))
        guard maker != nil, case .success(let path) = result else { return mailbox.post(.event(.saved(result))) }
        let how = "kastellan approve \(path) --key FILE, by you and the others; then kastellan apply \(path)"
        mailbox.post(.event(.notice(Notice(.info, "\(path) waits for approval: \(how)."))))
    }

    private func save(_ name: String, _ bytes: Bytes) {
        let result = SessionFiles.create(name, bytes)
        mailbox.post(.event(.saved(result)))
    }

    private func setTheme(_ name: String) {
        do throws(SkinFile.Failure) {
            let theme = try options.themes.load(name)
            self.theme = theme
            themeName = name
            terminal.setTheme(theme.coloured(context: color))
            let problems = theme.problems.isEmpty ? "" : " It has colours that are not known: \(theme.problems.joined(separator: ", "))."
            mailbox.post(.event(.notice(Notice(problems.isEmpty ? .info : .warning, "Theme \(name)." + problems))))
        } catch {
            mailbox.post(.event(.notice(Notice(.warning, "Theme \(name): \(error.message)."))))
        }
    }
}

extension ConsoleSession {
    /// The theme's file may have been written anew. One that cannot be read leaves the screen as it is, and says why.
    func reloadTheme() {
        do throws(SkinFile.Failure) {
            let fresh = try options.themes.load(themeName)
            guard fresh != theme else { return }
            theme = fresh
            terminal.setTheme(fresh.coloured(context: color))
            feed(.notice(Notice(.info, "Theme \(themeName) was read again.")))
        } catch {
            feed(.notice(Notice(.warning, "Theme \(themeName): \(error.message).")))
        }
    }

    /// A program of the user's has the terminal until it ends, or runs beside the console.
    /// By the program of BROWSER; without one, which is how it is over SSH, the address goes to the clipboard.
    func openLink(_ name: String, _ address: String) {
        let mailbox = mailbox
        func tell(_ kind: Notice.Kind, _ text: String) { mailbox.post(.event(.notice(Notice(kind, text)))) }
        // Several may be named, with colons between; a %s stands for the address.
        let named = environment("BROWSER").flatMap { $0.split(separator: ":").first.map(String.init) }
        guard let words = named.flatMap({ CommandWords.split($0) }), !words.isEmpty else {
            let isCopied = terminal.copy(address)
            return tell(.info, isCopied ? "Copied \(address)" : address)
        }
        let run = words.contains("%s") ? words.map { $0 == "%s" ? address : $0 } : words + [address]
        tell(.info, "\(name): \(address)")
        // It may stay for as long as the browser does.
        SessionThread.run {
            do throws(Subprocess.Failure) { _ = try Subprocess.output(of: run, timeoutMs: 7 * 86_400_000) } catch {
                mailbox.post(.event(.notice(Notice(.warning, "\(name): \(error.message)."))))
            }
        }
    }

    func runExternal(_ run: ExternalRun) {
        let variables = run.environment.map { ($0.name, $0.value) }
        let mailbox = mailbox
        if run.isDetached {
            return Subprocess.detached(run.words, environment: variables) { failure in
                let notice = failure.map { Notice(.warning, "\(run.name): \($0.message).") } ?? Notice(.info, "\(run.name): done.")
                mailbox.post(.event(.notice(notice)))
            }
        }
        terminal.suspend()
        var notice: Notice?
        do throws(Subprocess.Failure) {
            let code = try Subprocess.foreground(run.words, environment: variables)
            if code != 0 { notice = Notice(.warning, "\(run.name): exit code \(code).") }
        } catch {
            notice = Notice(.error, "\(run.name): \(error.message).")
        }
        // What the terminal sent to both of us was meant for the program; what ends us ends us now.
        let missed = signals.take()
        if missed.contains(SIGHUP) { end = .hangup } else if missed.contains(SIGTERM) { end = .quit }
        terminal.resume()
        let size = terminal.resized()
        feed(.input(.resize(width: size.width, height: size.height)))
        if let notice { feed(.notice(notice)) }
    }
}

extension ConsoleSession {
    /// Programs of alerts that may run at once; each has half a minute.
    static let hooksMax = 8

    /// An alert's program. What it prints goes nowhere; only that it failed is said.
    func runHook(_ run: ExternalRun) {
        let (mailbox, hooks) = (mailbox, hooks)
        let isFree = hooks.withLock { count in
            guard count < ConsoleSession.hooksMax else { return false }
            count += 1
            return true
        }
        guard isFree else {
            let text = "\(run.name): \(ConsoleSession.hooksMax) programs of alerts run already."
            return mailbox.post(.event(.notice(Notice(.warning, text))))
        }
        Subprocess.detached(run.words, environment: run.environment.map { ($0.name, $0.value) }) { failure in
            hooks.withLock { $0 -= 1 }
            if let failure { mailbox.post(.event(.notice(Notice(.warning, "\(run.name): \(failure.message).")))) }
        }
    }
}

/// Small files, read and written whole.
enum SessionFiles {
    private static let readMax = 16 * 1024 * 1024

    /// Makes a new file; one that is there already is never overwritten.
    static func create(_ name: String, _ bytes: Bytes) -> Result<String, ConsoleFailure> {
        let path = expanded(name)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return .failure(failure(name)) }
        defer { Glibc.close(descriptor) }
        var rest = bytes.array[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return .failure(failure(name)) }
            rest = rest.dropFirst(count)
        }
        return .success(name)
    }

    static func read(_ name: String) -> Result<String, ConsoleFailure> {
        let descriptor = open(expanded(name), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(failure(name)) }
        defer { Glibc.close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 { return .failure(failure(name)) }
            if count == 0 { break }
            bytes += chunk.prefix(count)
            if bytes.count > readMax { return .failure(ConsoleFailure("\(name) is larger than 16 MiB.")) }
        }
        return .success(String(decoding: bytes, as: UTF8.self))
    }

    /// `~/x` in the home directory, as a shell has it.
    private static func expanded(_ name: String) -> String {
        guard name.hasPrefix("~/"), let home = getenv("HOME") else { return name }
        return String(cString: home) + name.dropFirst(1)
    }

    private static func failure(_ name: String) -> ConsoleFailure { ConsoleFailure("\(name): \(String(cString: strerror(errno))).") }
}

enum SessionChaos {
    static func conditions(_ controls: any ChaosControls) -> OrderedMap<BrokerID, ChaosCondition> {
        var out = OrderedMap<BrokerID, ChaosCondition>()
        for broker in controls.chaosBrokers { out[broker] = controls.condition(of: broker) }
        return out
    }
}
