import Grid
import Observatory
import Primitives

/// Changing the cluster: forms, plans, outcomes.
extension Console {
    mutating func performChanging(_ action: Action) -> Bool {
        switch action {
        case .create: openCreateTopic(name: "")
        case .produce:
            guard let topic = selectedTopic else { return true }
            overlay = .form(.produce(topic: topic, partitions: snapshot.topic(topic)?.partitions.count ?? 0))
        case .load: if let topic = selectedTopic { overlay = .form(.load(topic: topic)) }
        case .addPartitions:
            guard let topic = selectedTopic else { return true }
            overlay = .form(.addPartitions(topic: topic, current: snapshot.topic(topic)?.partitions.count ?? 0))
        case .cloneTopic:
            guard let topic = selectedTopic else { return true }
            overlay = .form(.cloneTopic(topic))
        case .recreateTopic: if let topic = selectedTopic { plan(.recreateTopic(topic)) }
        case .purge:
            guard let topic = selectedTopic else { return true }
            overlay = .form(.purge(topic: topic, partitions: snapshot.topic(topic)?.partitions.count ?? 0))
        case .resetOffsets:
            guard let group = selectedGroup.flatMap({ snapshot.group($0) }) else { return true }
            overlay = .form(.resetOffsets(group))
        case .edit: editConfig()
        case .resetConfig: resetConfig()
        case .delete: deleteSelected()
        default: return false
        }
        return true
    }

    mutating func openCreateTopic(name: String) { overlay = .form(.createTopic(name: name)) }

    private var selectedConfig: (ConfigResource, ConfigSnapshot.Entry)? {
        guard case .configs(let resource) = place, let row = selectedRow, let entry = snapshot.configs[resource]?.entry(row.id) else {
            return nil
        }
        return (resource, entry)
    }

    private mutating func editConfig() {
        guard let (resource, entry) = selectedConfig else { return }
        if entry.isReadOnly { return say(.warning, "\(entry.name) is read-only: it is set where the broker is started.") }
        overlay = .form(.editConfig(resource, entry))
    }

    private mutating func resetConfig() {
        guard let (resource, entry) = selectedConfig else { return }
        guard entry.isOverride else { return say(.info, "\(entry.name) is not set here; nothing to take back.") }
        plan(.alterConfig(resource, set: [], delete: [entry.name]))
    }

    private mutating func deleteSelected() {
        switch place {
        case .topics: if let row = selectedRow { plan(.deleteTopic(row.id)) }
        case .groups: if let row = selectedRow { plan(.deleteGroup(row.id)) }
        case .group(let id): if let topic = selectedTopic { plan(.deleteGroupOffsets(group: id, topic: topic)) }
        default: break
        }
    }

    mutating func undo() {
        guard let action = changes.undoable.last else { return say(.info, "Nothing to undo.") }
        plan(action)
        changes.undoing = lastTicket
    }

    mutating func redo() {
        guard let action = changes.redoable.last else { return say(.info, "Nothing was undone that could be made again.") }
        plan(action)
        changes.redoing = lastTicket
    }

    /// Asks for a plan and shows it when it comes.
    mutating func plan(_ action: PlanAction, form: Form? = nil) {
        lastTicket += 1
        overlay = .plan(PlanDialog(ticket: lastTicket, action: action, form: form?.withoutHidden))
        request(.plan(ticket: lastTicket, action))
    }

    mutating func take(_ key: Key, _ form: Form) {
        var form = form
        switch form.take(key) {
        case .cancel: overlay = nil
        case .stay: overlay = .form(form)
        case .submit: submit(form)
        }
    }

    private mutating func submit(_ form: Form) {
        var form = form
        if form.readsFile, !form["file"].isEmpty {
            lastTicket += 1
            overlay = .form(form)
            return request(.readFile(ticket: lastTicket, name: form["file"]))
        }
        do throws(ConsoleFailure) {
            let action = try FormReader.action(form, snapshot: snapshot)
            if case .resetOffsets(_, _, .file(let name, _)) = action {
                // The file is read by the shell; the form stays up until it is there.
                lastTicket += 1
                overlay = .form(form)
                return request(.readFile(ticket: lastTicket, name: name))
            }
            plan(action, form: form)
        } catch {
            form.problem = error.message
            overlay = .form(form)
        }
    }

    mutating func takeFile(_ ticket: Int, _ name: String, _ result: Result<String, ConsoleFailure>) {
        guard ticket == lastTicket, case .form(var form)? = overlay else { return }
        switch result {
        case .failure(let failure):
            form.problem = failure.message
            overlay = .form(form)
        case .success(let csv):
            do throws(ConsoleFailure) {
                plan(try FormReader.action(form, csv: csv, snapshot: snapshot), form: form)
            } catch {
                form.problem = error.message
                overlay = .form(form)
            }
        }
    }

    mutating func take(_ key: Key, _ dialog: PlanDialog) {
        var dialog = dialog
        switch dialog.take(key) {
        case .stay:
            dialog.top = min(dialog.top, max(0, planLines(dialog, width: planWidth(dialog, screen: width) - 6).count - 1))
            overlay = .plan(dialog)
        case .close: closePlan(dialog)
        case .edit: overlay = dialog.form.map { .form($0) }
        case .abort:
            request(.abort(ticket: dialog.ticket))
        case .steer(let input): steer(dialog.ticket, input)
        case .copy:
            guard case .review(let plan) = dialog.phase else { return }
            request(.copy(plan.kafkaCommand))
            say(.info, "Copied the command.")
        case .save:
            guard case .review(let plan) = dialog.phase else { return }
            request(.savePlan(plan))
        case .apply:
            guard case .review(let plan) = dialog.phase, !isReadOnly else { return }
            if case .byApproval = options.mode {
                overlay = nil
                return request(.savePlan(plan))
            }
            if plan.isInBatches, !moves.isEmpty {
                return say(.warning, "Other moves in batches are under way: 7 shows them, E there ends them.")
            }
            dialog.phase = .running(plan, progress: "")
            dialog.top = 0
            overlay = .plan(dialog)
            request(.run(ticket: dialog.ticket, plan))
        }
    }

    /// In the dialog one key pauses and lets go on.
    private mutating func steer(_ ticket: Int, _ input: PlanInput) {
        let isPaused = moves[ticket]?.isPaused == true
        request(.steer(ticket: ticket, input == .pause && isPaused ? .resume : input))
    }

    private mutating func closePlan(_ dialog: PlanDialog) {
        overlay = nil
        if case .running(let plan, _) = dialog.phase {
            say(.info, plan.isInBatches ? "It goes on; 7 shows how far it is." : "It goes on; the outcome will be shown here.")
        }
        if case .finished(let outcome) = dialog.phase, case .deleteTopic(let name) = dialog.action, outcome.verdict != .failed {
            leave(name)
        }
    }

    /// A view of what is gone is left.
    private mutating func leave(_ topic: String) {
        if trail.count > 1, place == .topic(topic) || place == .tail(topic) || place == .configs(.topic(topic)) { back(asksToQuit: false) }
    }

    // MARK: Answers

    mutating func takePlan(_ ticket: Int, _ result: Result<Plan, PlanError>) {
        guard case .plan(var dialog)? = overlay, dialog.ticket == ticket else { return }
        switch result {
        case .failure(let error): dialog.phase = .refused(error.message)
        case .success(let plan):
            dialog.phase = .review(plan)
            dialog.focus = dialog.nameToType != nil && plan.isRunnable ? .name : .cancel
        }
        overlay = .plan(dialog)
    }

    mutating func takeProgress(_ ticket: Int, _ text: String) {
        guard case .plan(var dialog)? = overlay, dialog.ticket == ticket, case .running(let plan, _) = dialog.phase else { return }
        dialog.phase = .running(plan, progress: text)
        overlay = .plan(dialog)
    }

    mutating func takeOutcome(_ ticket: Int, _ outcome: PlanOutcome) {
        if moves.remove(ticket) != nil, place == .reassignments { rebuild() }
        if outcome.verdict != .failed { changes.take(ticket, inverse: outcome.undo) }
        if case .plan(let dialog)? = overlay, dialog.ticket == ticket, case .schema(let change) = dialog.action {
            schemas.forget(change.subject)
            askSchemas()
        }
        if isOfConnect { askConnect(isNow: true) }
        if case .plan(var dialog)? = overlay, dialog.ticket == ticket {
            dialog.phase = .finished(outcome)
            dialog.top = 0
            overlay = .plan(dialog)
            return
        }
        switch outcome.verdict {
        case .done: say(.info, "\(outcome.title): done." + (outcome.undo == nil ? "" : " z undoes it."))
        case .doneButDiffers: say(.warning, "\(outcome.title): done, but \(outcome.lines.first ?? "the cluster shows something else").")
        case .failed: say(.error, "\(outcome.title): \(outcome.lines.first ?? "failed").")
        }
    }
}
