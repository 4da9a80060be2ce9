import Grid
import Observatory
import Primitives

/// A cluster that has a name, as the list of contexts shows it.
package struct ContextEntry: Equatable, Sendable {
    package var name: String
    package var bootstrap: String
    package var security: String
    package var isReadOnly: Bool
    package var color: String?
    /// File and line.
    package var origin: String

    package init(name: String, bootstrap: String, security: String, isReadOnly: Bool, color: String? = nil, origin: String) {
        (self.name, self.bootstrap, self.security) = (name, bootstrap, security)
        (self.isReadOnly, self.color, self.origin) = (isReadOnly, color, origin)
    }
}

/// Whether changes may be made. The shell decides, and refuses by itself; the console only shows it and keeps its keys in line.
package enum ChangeMode: Equatable, Sendable {
    case writable
    /// Until the program is started without `--readonly`.
    case readOnly
    /// The context is read-only: `:arm` opens it for a while.
    case guarded
    case armed(until: Instant)
    /// Changes are kept as plans, which others have to sign; how that is done, a sentence.
    case byApproval(String)

    package func isReadOnly(at now: Instant) -> Bool {
        switch self {
        case .writable, .byApproval: false
        case .readOnly, .guarded: true
        case .armed(let until): until <= now
        }
    }
}

/// Which cluster, and how careful with it.
extension Console {
    package var isReadOnly: Bool { options.mode.isReadOnly(at: now.instant) }

    /// Until when changes may be made; nil where there is no such limit.
    var armedUntil: Instant? {
        if case .armed(let until) = options.mode, now.instant < until { until } else { nil }
    }

    /// Minutes that `:arm` takes where it is not told.
    static let armMinutes: Int64 = 5
    static let armMinutesMax: Int64 = 60

    mutating func arm(_ minutes: Int64) {
        switch options.mode {
        case .writable: say(.info, "Changes may be made here anyway.")
        case .readOnly: say(.warning, "This console was started with --readonly.")
        case .byApproval(let how): say(.warning, how)
        case .guarded, .armed: request(.arm(minutes: minutes))
        }
    }

    mutating func disarm() {
        guard case .armed = options.mode else { return say(.info, "Nothing is armed.") }
        request(.arm(minutes: 0))
    }

    mutating func takeMode(_ mode: ChangeMode) {
        options.mode = mode
        switch mode {
        case .armed(let until):
            say(.warning, "Changes may be made for \(Console.countdown(until.milliseconds(since: now.instant))); :disarm ends it.")
        case .guarded: say(.info, "Read-only again.")
        case .writable, .readOnly, .byApproval: break
        }
        rebuild()
    }

    /// The time for changes has run out: said once, and a plan that waits for its answer can no longer be carried out.
    mutating func expireArming() {
        guard case .armed(let until) = options.mode, until <= now.instant else { return }
        options.mode = .guarded
        say(.info, "The time for changes is over: read-only again.")
    }

    /// `4:59`.
    package static func countdown(_ milliseconds: Int64) -> String {
        let seconds = max(0, (milliseconds + 999) / 1000)
        let rest = seconds % 60
        return "\(seconds / 60):\(rest < 10 ? "0" : "")\(rest)"
    }

    /// Another cluster: nothing of the one before stays, neither what was seen nor what was done there.
    package mutating func enterContext(
        name: String, bootstrap: [String], mode: ChangeMode, hasColor: Bool, masksRequiredBy: String? = nil, now: Now
    ) -> [ConsoleRequest] {
        self.now = now
        requests = []
        options.contextName = name
        options.bootstrap = bootstrap
        options.mode = mode
        options.hasContextColor = hasColor
        options.masksRequiredBy = masksRequiredBy
        snapshot = ClusterSnapshot()
        trail = [ViewState(.overview)]
        overlay = nil
        flash = nil
        past = []
        future = []
        changes = ChangeTrail()
        schemas = SchemaShelf()
        clients = ClientShelf()
        connect = ConnectShelf()
        comparison = nil
        moves = OrderedMap()
        editedSchema = nil
        chaos = nil
        alerts.forget()
        isFullscreen = false
        lastTailSession += 1
        watched = nil
        rebuild()
        return update(.tick, now: now)
    }

    /// `:ctx NAME`, and Enter in the list.
    mutating func switchContext(_ name: String, then command: String? = nil) {
        guard options.contexts.contains(where: { $0.name == name }) else {
            return say(.warning, "There is no context \(name); :contexts lists those there are.")
        }
        if case .plan(let dialog)? = overlay, case .running = dialog.phase { return say(.warning, "A change is under way here.") }
        if !moves.isEmpty { return say(.warning, "Moves in batches are under way here: 7 shows them, E there ends them.") }
        say(.info, "Going to \(name)\u{2026}")
        request(.switchContext(name, then: command))
    }

    func contextRows() -> TableModel {
        let columns = [
            Column("CONTEXT", min: 8, max: 40), Column("BOOTSTRAP", min: 14, max: 80, grows: true),
            Column("SECURITY", min: 9, max: 30, priority: 2), Column("CHANGES", min: 9), Column("COLOR", min: 5, max: 12, priority: 4),
            Column("FROM", min: 8, max: 60, priority: 3),
        ]
        let rows = options.contexts.map { context -> TableRow in
            let isHere = context.name == options.contextName
            return TableRow(
                context.name,
                [
                    CellValue(context.name, isHere ? .highlight : .row), CellValue(context.bootstrap), CellValue(context.security, .muted),
                    context.isReadOnly ? CellValue("read-only", .warning) : CellValue("allowed"), CellValue(context.color ?? "-", .muted),
                    CellValue(context.origin, .muted),
                ])
        }
        return TableModel(
            title: "Contexts", subject: options.contextName, columns: columns, rows: rows,
            emptyLines: [
                "No cluster has a name yet: contexts.yaml in kastellan's configuration gives them names,",
                "and \"kastellan contexts import\" takes them over from kaf, kafkactl, rpk or kcat.",
            ], freshness: Freshness(time: now.wall))
    }
}
