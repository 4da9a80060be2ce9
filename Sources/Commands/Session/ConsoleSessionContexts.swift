import Client
import ClientCore
import Console
import Glibc
import Grid
import Observatory
import Primitives
import Reactor
import Terminal

/// Going over to another cluster, and letting changes through for a while.
extension ConsoleSession {
    /// How to connect is made out on a thread of its own: a secret may come from a program. The console stays where it is until then.
    func switchContext(_ name: String, then command: String?) {
        switches += 1
        nextCommand = command
        let (mailbox, number, resolve) = (mailbox, switches, options.resolve)
        SessionThread.run { mailbox.post(.entered(number, resolve(name))) }
    }

    /// A recording has messages as the cluster gave them: none where they are not to be seen.
    func objection(to context: ContextEntrance) -> String? {
        guard let recorder = options.recorder, !recorder.isRedacted, let who = context.masksRequiredBy else { return nil }
        return "This session is recorded with its messages: \(who)."
    }

    func enter(_ context: ContextEntrance) {
        events?.detach()
        connection?.stop()
        connection = nil
        generation += 1
        (gate, usualGate, color) = (context.gate, context.gate, context.color)
        maker = context.maker
        (keepsHistory, registry, connect) = (context.keepsHistory, context.registry, context.connect)
        masks.requiredBy = context.masksRequiredBy
        terminal.setTheme(theme.coloured(context: color))
        let addresses = context.entrance.addresses.map(\.description)
        let mode = ConsoleSession.mode(of: gate)
        let wishes = console.enterContext(
            name: context.name, bootstrap: addresses, mode: mode, hasColor: color != nil,
            masksRequiredBy: context.masksRequiredBy, now: SystemClock.now())
        for request in wishes { perform(request) }
        connect(context.entrance)
        nextCommand = nil
    }

    /// Looks at other clusters for as long as the console shows them, and no longer.
    func watchClusters(_ names: [String]) {
        clusters?.stop()
        clusters = nil
        guard !names.isEmpty else { return }
        let mailbox = mailbox
        clusters = ClusterWatch(names, resolve: options.resolve) { mailbox.post(.event(.sighted($0, $1))) }
    }

    /// What a cluster that was left still has to say: only how a change ended, and that by name.
    func feedLate(_ event: ConsoleEvent) {
        guard case .planFinished(_, let outcome) = event else { return }
        let isDone = outcome.verdict == .done
        let end = isDone ? "done" : outcome.lines.first ?? "it is not known how it ended"
        feed(.notice(Notice(isDone ? .info : .warning, "On the cluster before this one: \(outcome.title): \(end)")))
    }

    static func mode(of gate: ChangeGate) -> ChangeMode {
        switch gate {
        case .open: .writable
        case .closed: .guarded
        case .armed(let until): .armed(until: until)
        case .byApproval(let how): .byApproval(how)
        }
    }

    /// Never more than what the context is for: a session that was started read-only stays so.
    func arm(_ minutes: Int64) {
        guard case .closed = usualGate, console.options.mode != .readOnly else { return }
        gate = minutes > 0 ? .armed(until: SystemClock.instant().adding(milliseconds: minutes * 60_000)) : usualGate
        feed(.mode(ConsoleSession.mode(of: gate)))
    }
}
