import Grid
import Observatory
import Primitives

/// Kafka Connect: connectors, their tasks, what failed of them, and changes to them.
extension Console {
    var isOfConnect: Bool {
        switch place {
        case .connectors, .connector, .describe(.connector): true
        default: false
        }
    }

    /// While a view shows it, as often as the cluster is read, and no oftener than every two seconds: Connect is asked for all it has.
    mutating func askConnect(isNow: Bool = false) {
        guard isOfConnect, !connect.isAsking, isNow || connect.hasConnect else { return }
        guard isNow || now.instant.milliseconds(since: connect.askedAt) >= max(2_000, snapshot.cost.intervalMs) else { return }
        (connect.isAsking, connect.askedAt) = (true, now.instant)
        request(.connect)
    }

    mutating func takeConnect(_ answer: ConnectAnswer) {
        let before = connect.problems
        connect.take(answer, at: now.wall)
        if let problem = connect.problems.values.first, before.isEmpty { say(.error, "Connect: \(problem)") }
        if isOfConnect { rebuild() }
    }

    mutating func performConnect(_ action: Action) -> Bool {
        switch action {
        case .goConnect: jump(.connectors)
        case .pauseConnector: if let name = chosenConnector { plan(.connect(.pause(name))) }
        case .resumeConnector: if let name = chosenConnector { plan(.connect(.resume(name))) }
        case .stopConnector: if let name = chosenConnector { plan(.connect(.stop(name))) }
        case .restartConnector: if let name = chosenConnector { plan(.connect(.restart(name, .everything))) }
        case .restartFailed: if let name = chosenConnector { plan(.connect(.restart(name, .failed))) }
        case .restartTask: restartTask()
        case .editConnector: editConnector()
        case .newConnector: overlay = .form(.newConnector(clusters: connect.clusters))
        case .deleteConnector: if let name = chosenConnector { plan(.connect(.delete(name))) }
        default: return false
        }
        return true
    }

    /// The connector that a key in this place is about.
    var chosenConnector: ConnectorName? {
        switch place {
        case .connectors: selectedRow.flatMap { row in connect.connectors.keys.first { connectorRowID($0) == row.id } }
        case .connector(let id), .describe(.connector(let id, _)): id
        default: nil
        }
    }

    private mutating func restartTask() {
        guard case .connector(let id) = place else { return }
        guard let task = selectedRow.flatMap({ Int($0.id) }) else { return say(.info, "Select a task.") }
        plan(.connect(.restart(id, .task(task))))
    }

    // MARK: Its config in the user's editor

    /// In the syntax of properties files, secrets behind a mask: a mask that stays stands for what is there.
    private mutating func editConnector() {
        guard let id = chosenConnector, let connector = connect.connectors[id] else { return }
        lastTicket += 1
        let text = ConnectorText.write(connector.config)
        editedConnector = EditedConnector(ticket: lastTicket, text: text, before: connector)
        request(.edit(ticket: lastTicket, text))
    }

    /// What came back from the editor; false where it was no connector's config that went there.
    mutating func takeEditedConnector(_ ticket: Int, _ result: Result<String, ConsoleFailure>) -> Bool {
        guard let edited = editedConnector, edited.ticket == ticket else { return false }
        editedConnector = nil
        switch result {
        case .failure(let failure): say(.error, failure.message)
        case .success(edited.text): say(.info, "Unchanged: nothing to do.")
        case .success(let text):
            if isReadOnly {
                say(.warning, "Read-only: changing a connector is a change.")
                return true
            }
            do throws(ConsoleFailure) {
                plan(.connect(.configure(edited.before.id, try ConnectorText.read(text, before: edited.before))))
            } catch {
                say(.error, error.message)
            }
        }
        return true
    }

    // MARK: All that is known of it

    func describeConnector(_ id: ConnectorName, task: Int?) -> [[Span]] {
        guard let connector = connect.connectors[id] else {
            return [[Span("Connector \(Escape.line(id.name)) is not known.", .muted)]]
        }
        let state = partState(connector.state)
        var out = [
            field("Connector", id.name), field("Connect", id.cluster), field("State", state.text, state.scope),
            field("Type", connector.type.isEmpty ? "-" : connector.type), field("Class", connector.value("connector.class") ?? "-"),
            field("Worker", connector.worker),
            field("Tasks", "\(connector.tasks.count), \(connector.runningTasks) running, \(connector.failedTasks) failed"),
        ]
        if let group = connector.group {
            let lag = snapshot.group(group)?.lag.map { ", lag \(Format.count($0))" } ?? ""
            out.append(field("Consumer group", group + lag))
        }
        if let trace = connector.trace { out += failure("WHY IT FAILED", trace) }
        for one in connector.tasks where task == nil ? one.trace != nil : one.id == task {
            let state = partState(one.state)
            out += heading("TASK \(one.id)") + [field("State", state.text, state.scope), field("Worker", one.worker)]
            if let trace = one.trace { out += failure("WHY IT FAILED", trace) }
        }
        out += heading("CONFIG")
        for value in connector.config {
            let isSecret = ConnectSecrets.isSecret(value.name, value.value)
            out.append([
                Span(Clip.pad(Escape.line(value.name), 40), .label),
                Span(Escape.line(ConnectSecrets.shown(value.name, value.value)), isSecret ? .muted : .value),
            ])
        }
        return out
    }

    private func failure(_ title: String, _ trace: String) -> [[Span]] {
        heading(title) + trace.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            [Span(Escape.line(String(line).replacing("\t", with: "    ")), .failure)]
        }
    }
}

/// A connector's config that is in the user's editor, as it went there.
struct EditedConnector: Equatable, Sendable {
    var ticket: Int
    var text: String
    var before: ConnectorSnapshot
}
