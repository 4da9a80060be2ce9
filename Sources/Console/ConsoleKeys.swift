import Grid
import Observatory
import Primitives

/// Keys, pastes and the mouse.
extension Console {
    mutating func take(_ key: Key) {
        // Whatever has the keyboard, this one quits.
        if key == Key(.character("c"), .control) { return request(.quit) }
        if let control = replayControl(key) { return request(.replay(control)) }
        switch overlay {
        case .prompt(let prompt): take(key, prompt)
        case .form(let form): take(key, form)
        case .plan(let dialog): take(key, dialog)
        case .menu(let menu): take(key, menu)
        case .confirmQuit:
            overlay = nil
            if key == Key("y") || key == Key(.enter) { request(.quit) }
        case .confirmRun(let run):
            overlay = nil
            if key == Key("y") { request(.external(run)) }
        case nil:
            flashSeen()
            if let binding = keys.bindings(in: place).first(where: { $0.keys.contains(key) }) {
                perform(binding)
            } else if let command = external(key) {
                start(command)
            }
        }
    }

    /// Does what a key of the table means, unless it would change something that must not be changed.
    private mutating func perform(_ binding: KeyBinding) {
        if binding.isChange, isPast { return say(.warning, "In the past nothing can be changed; \\ comes back to now.") }
        if binding.isChange, isReadOnly { return say(.warning, "Read-only: \(binding.action.rawValue) would change the cluster.") }
        if binding.action == .chaos && chaos == nil { return }
        perform(binding.action)
    }

    mutating func performByName(_ action: Action) {
        guard overlay == nil else { return }
        guard let binding = keys.bindings(in: place).first(where: { $0.action == action }) else {
            return say(.warning, "\(action.rawValue) is nothing that can be done here.")
        }
        perform(binding)
    }

    mutating func select(_ panel: Int, _ id: String) {
        guard overlay == nil else { return }
        if view.tail != nil {
            guard let number = Int(id) else { return }
            view.tail?.follows = false
            view.tail?.selected = number
        } else if tables.indices.contains(panel), view.panels.indices.contains(panel) {
            view.panel = panel
            view.panels[panel].select(id: id)
        }
    }

    /// An error stays until a key shows that somebody was there to read it.
    private mutating func flashSeen() {
        if let flash, now.instant.milliseconds(since: flash.until.adding(milliseconds: -Console.flashMs)) > 800 { self.flash = nil }
    }

    mutating func takePaste(_ text: String) {
        switch overlay {
        case .prompt(var prompt):
            prompt.field.insert(text)
            overlay = .prompt(prompt)
            promptChanged()
        case .form(var form):
            form.paste(text)
            overlay = .form(form)
        case .plan(var dialog):
            dialog.typed.insert(text)
            overlay = .plan(dialog)
        default: break
        }
    }

    private mutating func take(_ key: Key, _ menu: Menu) {
        var menu = menu
        // A menu's own letters come before those that move in it.
        if case .character = key.code, let item = menu.items.first(where: { $0.key == key.name }) {
            overlay = nil
            return perform(item.action)
        }
        switch key {
        case Key(.escape), Key("q"): overlay = nil
        case Key(.up), Key("k"):
            menu.selected = max(0, menu.selected - 1)
            overlay = .menu(menu)
        case Key(.down), Key("j"):
            menu.selected = min(menu.items.count - 1, menu.selected + 1)
            overlay = .menu(menu)
        case Key(.enter):
            overlay = nil
            if menu.selected < menu.items.count { perform(menu.items[menu.selected].action) }
        default: break
        }
    }

    // MARK: Mouse

    mutating func take(_ mouse: MouseEvent) {
        switch mouse.kind {
        case .wheelUp: wheel(-3)
        case .wheelDown: wheel(3)
        case .press, .doublePress:
            guard overlay == nil else { return pressOverlay(mouse) }
            press(mouse)
        }
    }

    private mutating func wheel(_ rows: Int) {
        guard overlay == nil else { return }
        if view.tail != nil { return moveTail(by: rows) }
        if tables.isEmpty { return scrollText(by: rows) }
        let area = panelAreas(layout.body)[view.panel]
        view.panels[view.panel].scroll(by: rows, in: tables[view.panel], visibleRows: visibleRows(area))
    }

    private mutating func press(_ mouse: MouseEvent) {
        if view.tail != nil { return pressTail(mouse) }
        for (index, area) in panelAreas(layout.body).enumerated() where index < tables.count && area.contains(mouse.column, mouse.row) {
            view.panel = index
            let line = mouse.row - area.y - 2
            if line < 0 { return pressHeader(mouse, area) }
            let place = view.panels[index].top + line
            guard place < tables[index].count else { return }
            view.panels[index].select(place, in: tables[index], visibleRows: visibleRows(area))
            if mouse.kind == .doublePress { perform(.open) }
        }
    }

    /// A press on a column's title sorts by it.
    private mutating func pressHeader(_ mouse: MouseEvent, _ area: Rect) {
        guard place.isTable, mouse.row == area.y + 1 else { return }
        let table = tables[view.panel]
        for slot in tableLayout(table, area).slots
        where mouse.column - area.x - 2 >= slot.x && mouse.column - area.x - 2 < slot.x + slot.width {
            view.panels[view.panel].sort(by: slot.column, current: table)
            return rebuild()
        }
    }

    private mutating func pressOverlay(_ mouse: MouseEvent) {
        guard case .menu(var menu)? = overlay else { return }
        let area = menuArea(menu)
        let line = mouse.row - area.y - 1
        guard area.contains(mouse.column, mouse.row), line >= 0, line < menu.items.count else {
            overlay = nil
            return
        }
        menu.selected = line
        overlay = nil
        perform(menu.items[line].action)
    }
}
