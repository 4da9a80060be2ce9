import Grid
import Observatory
import Primitives

/// A typed line worked out on a copy of the console: which events do what it says, given what they lead to.
struct Rehearsal {
    private var console: Console
    private let now: Now
    private(set) var events: [ConsoleEvent] = []
    private(set) var lines: [String] = []

    init(_ console: Console, _ now: Now) { (self.console, self.now) = (console, now) }

    mutating func send(_ event: ConsoleEvent) {
        events.append(event)
        _ = console.update(event, now: now)
    }

    private mutating func press(_ key: Key) { send(.input(.key(key))) }

    /// Replaces what stands in the field that has the keyboard.
    private mutating func enter(_ text: String) {
        press(Key(.character("e"), .control))
        press(Key(.character("u"), .control))
        if !text.isEmpty { send(.input(.paste(text))) }
    }

    // MARK: On a view

    mutating func filter(_ text: String) {
        send(.perform(.filter))
        guard case .prompt? = console.overlay else { return }
        enter(text)
        press(Key(.enter))
    }

    /// A row and what to do with it, an action, or a command.
    mutating func command(_ text: String) {
        let words = text.split(separator: " ").map(String.init)
        guard let first = words.first else { return }
        if let (panel, row) = place(first) { return go(panel, row, words.dropFirst().joined(separator: "-")) }
        if case .success = CommandLine.parse(text, now: now.wall) { return send(.command(text)) }
        let name = words.joined(separator: "-")
        if let action = Action(rawValue: name), console.keys.bindings(in: console.place).contains(where: { $0.action == action }) {
            return send(.perform(action))
        }
        // The console itself says what is wrong with it.
        send(.command(text))
    }

    /// `3`, or `2.3`.
    private func place(_ text: String) -> (panel: Int, row: Int)? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(parts.count), let last = parts.last, let row = last, row >= 0 else { return nil }
        guard parts.count == 2 else { return (1, row) }
        guard let panel = parts[0] else { return nil }
        return (panel, row)
    }

    private mutating func go(_ panel: Int, _ row: Int, _ name: String) {
        var action = Action.open
        if !name.isEmpty {
            guard let found = Action(rawValue: name) else {
                return lines.append("There is no action \(Escape.line(name)); actions tells them.")
            }
            action = found
        }
        if console.view.tail != nil {
            send(.select(panel: 0, id: String(row)))
            return send(.perform(action))
        }
        guard console.tables.indices.contains(panel - 1), row >= 1, row <= console.tables[panel - 1].count else {
            return lines.append("There is no such row.")
        }
        send(.select(panel: panel - 1, id: console.tables[panel - 1].row(row - 1).id))
        send(.perform(action))
    }

    // MARK: On what lies over it

    mutating func answerOverlay(_ text: String) {
        let isCancel = text == "cancel" || text == "back"
        switch console.overlay {
        case .form(let form): isCancel ? press(Key(.escape)) : answer(text, form)
        case .plan(let dialog): isCancel ? press(Key(.escape)) : answer(text, dialog)
        case .menu(let menu): isCancel || text.isEmpty ? press(Key(.escape)) : choose(text, menu)
        case .prompt:
            if isCancel || text.isEmpty { return press(Key(.escape)) }
            enter(Rehearsal.literal(text))
            press(Key(.enter))
        case .confirmQuit, .confirmRun: press(text == "y" || text == "yes" ? Key("y") : Key("n"))
        case nil: break
        }
    }

    /// What begins with `=` is meant as it stands after that.
    private static func literal(_ text: String) -> String { text.hasPrefix("=") ? String(text.dropFirst()) : text }

    private mutating func answer(_ text: String, _ form: Form) {
        guard form.focus < form.fields.count else {
            return text == "ok" ? press(Key(.enter)) : lines.append("ok goes on, cancel leaves it.")
        }
        switch form.fields[form.focus].value {
        case .text: if !text.isEmpty { enter(Rehearsal.literal(text)) }
        case .choice(let choices, _):
            guard !text.isEmpty else { break }
            let number = Int(text).map { $0 - 1 }
            let wanted = choices.firstIndex(of: text) ?? number ?? choices.firstIndex { $0.lowercased().hasPrefix(text.lowercased()) }
            guard let wanted, choices.indices.contains(wanted) else {
                return lines.append(Escape.line("One of \(choices.joined(separator: ", ")), please."))
            }
            press(Key(.home))
            for _ in 0..<wanted { press(Key(.right)) }
        }
        press(Key(.enter))
    }

    private mutating func answer(_ text: String, _ dialog: PlanDialog) {
        guard case .review(let plan) = dialog.phase else {
            switch dialog.phase {
            case .finished, .refused: return press(Key(.enter))
            default: return lines.append("It is under way; cancel leaves it to itself.")
            }
        }
        if let name = dialog.nameToType, text == name {
            focus(.name)
            enter(name)
            focus(.apply)
            return press(Key(.enter))
        }
        switch text {
        case "apply" where plan.isRunnable && dialog.nameToType == nil:
            focus(.apply)
            press(Key(.enter))
        case "edit" where dialog.form != nil, "save" where plan.isRunnable, "copy":
            focus(.cancel)
            press(Key(text == "edit" ? "e" : text == "save" ? "s" : "c"))
        default: lines.append("Nothing is done by that.")
        }
    }

    private mutating func focus(_ wanted: PlanDialog.Focus) {
        for _ in 0..<4 {
            guard case .plan(let dialog)? = console.overlay, dialog.focus != wanted else { return }
            press(Key(.tab))
        }
    }

    private mutating func choose(_ text: String, _ menu: Menu) {
        let wanted = Int(text).map { $0 - 1 } ?? menu.items.firstIndex { $0.key == text || $0.text == text }
        guard let wanted, menu.items.indices.contains(wanted) else {
            return lines.append("A number from 1 to \(menu.items.count), please.")
        }
        for _ in 0..<menu.items.count { press(Key(.up)) }
        for _ in 0..<wanted { press(Key(.down)) }
        press(Key(.enter))
    }
}
