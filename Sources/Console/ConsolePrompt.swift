import Grid
import Observatory
import Primitives

/// The line of input at the bottom: commands, filters, seeking, file names.
extension Console {
    mutating func take(_ key: Key, _ prompt: Prompt) {
        var prompt = prompt
        switch key {
        case Key(.escape):
            overlay = nil
            if prompt.kind == .filter { setFilter(prompt.original, isTyped: false) }
            return
        case Key(.enter):
            overlay = nil
            return submit(prompt)
        case Key(.tab): if let suggestion = suggestion(prompt) { prompt.field.insert(suggestion) }
        case Key(.right) where prompt.field.isAtEnd:
            if let suggestion = suggestion(prompt) { prompt.field.insert(suggestion) }
        case Key(.up): recall(&prompt, 1)
        case Key(.down): recall(&prompt, -1)
        case Key(.backspace) where prompt.field.isEmpty:
            overlay = nil
            return
        default:
            if !prompt.field.handle(key) { return }
            prompt.historyIndex = nil
        }
        overlay = .prompt(prompt)
        promptChanged()
    }

    /// Filters show their effect while they are typed.
    mutating func promptChanged() {
        guard case .prompt(var prompt)? = overlay else { return }
        switch prompt.kind {
        case .filter:
            setFilter(prompt.field.text, isTyped: true)
            if let tail = view.tail { prompt.problem = tail.filter.problem } else { prompt.problem = RowFilter(prompt.field.text).problem }
        case .seek:
            prompt.problem = prompt.field.isEmpty || TailRange(prompt.field.text, now: now.wall) != nil ? nil : TailRange.hint
        case .command, .save: prompt.problem = nil
        }
        overlay = .prompt(prompt)
    }

    private mutating func recall(_ prompt: inout Prompt, _ step: Int) {
        let history: [String]
        switch prompt.kind {
        case .command: history = commandHistory
        case .filter: history = filterHistory
        case .seek, .save: return
        }
        if history.isEmpty { return }
        let index = (prompt.historyIndex ?? -1) + step
        if prompt.historyIndex == nil { prompt.draft = prompt.field.text }
        if index < 0 {
            prompt.historyIndex = nil
            prompt.field.text = prompt.draft
        } else if index < history.count {
            prompt.historyIndex = index
            prompt.field.text = history[history.count - 1 - index]
        }
    }

    /// What Tab would append.
    func suggestion(_ prompt: Prompt) -> String? {
        guard prompt.field.isAtEnd else { return nil }
        if prompt.kind == .filter { return filterSuggestion(prompt.field.text) }
        guard prompt.kind == .command else { return nil }
        let text = prompt.field.text
        if let past = commandHistory.last(where: { $0.hasPrefix(text) && $0 != text }), !text.isEmpty {
            return String(past.dropFirst(text.count))
        }
        return CommandLine.completion(
            of: text, snapshot: snapshot, themes: options.themeNames, contexts: options.contexts.map(\.name), links: linksHere.map(\.name))
    }

    /// Of a filter that was typed before; in a tail also the prefixes of terms, header names, and fields of the messages for jq.
    private func filterSuggestion(_ text: String) -> String? {
        if text.isEmpty { return nil }
        if let past = filterHistory.last(where: { $0.hasPrefix(text) && $0 != text }) { return String(past.dropFirst(text.count)) }
        return view.tail?.completion(of: text)
    }

    private mutating func submit(_ prompt: Prompt) {
        let text = prompt.field.text
        switch prompt.kind {
        case .filter:
            if !text.isEmpty {
                filterHistory.removeAll { $0 == text }
                filterHistory.append(text)
                if filterHistory.count > Console.historyMax { filterHistory.removeFirst() }
            }
            setFilter(text, isTyped: false)
        case .seek:
            guard let range = TailRange(text, now: now.wall) else { return say(.warning, "Not a start: \(text)") }
            restartTail(from: range.start ?? .beginning, to: range.stop)
        case .save: if !text.isEmpty { request(.save(name: text, bytesToSave(as: text))) }
        case .command: submitCommand(text)
        }
    }

    mutating func submitCommand(_ text: String) {
        if text.allSatisfy({ $0 == " " }) { return }
        commandHistory.removeAll { $0 == text }
        commandHistory.append(text)
        if commandHistory.count > Console.historyMax { commandHistory.removeFirst() }
        switch CommandLine.parse(text, now: now.wall) {
        case .failure(let failure): say(.warning, failure.message)
        case .success(.go(let place, let filter)): go(place, filter: filter)
        case .success(.partitions(let trouble, let filter)):
            go(.partitions, filter: filter)
            view.trouble = trouble
            rebuild()
        case .success(.tail(let topics, let range)):
            go(.tail(topics), filter: nil)
            if let range { restartTail(from: range.start ?? .beginning, to: range.stop) }
        case .success(.apis(let filter)):
            go(.features, filter: filter)
            view.panel = 1
        case .success(.perform(let action)): perform(action)
        case .success(.why(let name)): why(name)
        case .success(.connector(let name)):
            jump(.connectors)
            if let id = connect.connectors.keys.first(where: { $0.name == name }) { push(.connector(id)) } else { setFilter(name) }
        case .success(.at(let text)): goTo(text)
        case .success(.theme(let name)): request(.setTheme(name))
        case .success(.context(let name, let command)): switchContext(name, then: command)
        case .success(.arm(let minutes)): arm(minutes)
        case .success(.disarm): disarm()
        case .success(.link(let name)): openLink(named: name)
        case .success(.create(let name)):
            if isReadOnly { return say(.warning, "Read-only: create would change the cluster.") }
            if isPast { return say(.warning, "In the past nothing can be changed; \\ comes back to now.") }
            openCreateTopic(name: name ?? "")
        }
    }

    /// A root replaces the trail; one thing goes below its list.
    private mutating func go(_ place: Place, filter: String?) {
        switch place {
        case .topic, .configs, .tail:
            if self.place != .topics { jump(.topics) }
            push(place)
        case .group:
            if self.place != .groups { jump(.groups) }
            push(place)
        case .schema:
            if self.place != .schemas { jump(.schemas) }
            push(place)
        default: jump(place)
        }
        if let filter, !filter.isEmpty { setFilter(filter, isTyped: false) }
    }
}
