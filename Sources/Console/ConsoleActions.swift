import Grid
import Observatory
import Primitives

/// What each action does.
extension Console {
    mutating func perform(_ action: Action) {
        if performGeneral(action) || performInTime(action) || performMoving(action) || performListing(action) || performChanging(action)
            || performReplication(action) || performAdmin(action) || performSchemas(action) || performConnect(action)
            || performChaos(action)
        {
            return
        }
        if view.tail != nil { performInTail(action) } else { performInText(action) }
    }

    private mutating func performGeneral(_ action: Action) -> Bool {
        switch action {
        case .command: overlay = .prompt(Prompt(.command))
        case .help: if place != .help { push(.help) }
        case .back: back(asksToQuit: false)
        case .leave: back(asksToQuit: true)
        case .quit: request(.quit)
        case .suspend: request(.suspend)
        case .redraw: request(.redraw)
        case .lastView: lastView()
        case .historyBack: historyBack()
        case .historyForward: historyForward()
        case .refresh:
            request(.refresh)
            askSchemas()
            askClients(isNow: true)
            askConnect(isNow: true)
            askComparison()
            say(.info, "Reading again.")
        case .toggleHeader: showsHeader.toggle()
        case .toggleCrumbs: showsCrumbs.toggle()
        case .goOverview: jump(.overview)
        case .goBrokers: jump(.brokers)
        case .goTopics: jump(.topics)
        case .goGroups: jump(.groups)
        case .goEvents: jump(.events)
        case .goPartitions: jump(.partitions)
        case .goReassignments: jump(.reassignments)
        case .goQuorum: jump(.quorum)
        case .goHeat: jump(.heat)
        case .goClients: jump(.clients)
        case .goContexts: jump(.contexts)
        case .goClusters: jump(.clusters)
        case .diffCluster: if let row = selectedRow { push(.diff(row.id)) }
        case .openLink: openLink()
        case .undo: undo()
        case .redo: redo()
        default: return false
        }
        return true
    }

    private mutating func performMoving(_ action: Action) -> Bool {
        let page = max(1, visibleRows(panelAreas(layout.body)[min(view.panel, view.panels.count - 1)]) - 1)
        switch action {
        case .up: move(by: -1)
        case .down: move(by: 1)
        case .pageUp: move(by: -page)
        case .pageDown: move(by: page)
        case .halfUp: move(by: -max(1, page / 2))
        case .halfDown: move(by: max(1, page / 2))
        case .top: move(by: -Int(Int32.max))
        case .bottom: move(by: Int(Int32.max))
        default: return false
        }
        return true
    }

    private mutating func move(by rows: Int) {
        if view.tail != nil { return rows == Int(Int32.max) ? followTail(true) : moveTail(by: rows) }
        guard view.panel < tables.count else { return scrollText(by: rows) }
        let table = tables[view.panel]
        let visible = visibleRows(panelAreas(layout.body)[view.panel])
        view.panels[view.panel].select(view.panels[view.panel].position + rows, in: table, visibleRows: visible)
    }

    private mutating func performListing(_ action: Action) -> Bool {
        guard place.isTable || place == .overview else { return action == .filter ? openFilter() : false }
        switch action {
        case .filter: return openFilter()
        case .open: openSelected()
        case .describe: describeSelected()
        case .why: askWhy()
        case .nextMeasure: nextMeasure()
        case .foldClients: foldClients()
        case .save: if place == .events { overlay = .prompt(Prompt(.save, text: fileName("events", ext: "jsonl"))) }
        case .actions: openMenu()
        case .copy: copySelected(wholeRow: false)
        case .copyRow: copySelected(wholeRow: true)
        case .mark:
            view.panels[view.panel].toggleMark()
            move(by: 1)
        case .markRange: view.panels[view.panel].markRange(in: tables[view.panel])
        case .clearMarks: view.panels[view.panel].clearMarks()
        case .faultsOnly:
            view.faultsOnly.toggle()
            rebuild()
        case .showAll:
            if place == .clients { clients.showsNodes.toggle() } else { showsInternal.toggle() }
            rebuild()
        case .nextTrouble: turnTrouble(1)
        case .previousTrouble: turnTrouble(-1)
        case .columnsLeft: view.columnShift = max(0, view.columnShift - 1)
        case .columnsRight: view.columnShift = min(view.columnShift + 1, max(0, tables[view.panel].model.columns.count - 2))
        case .otherPanel: turnPanel(1)
        case .otherPanelBack: turnPanel(view.panels.count - 1)
        case .tail: tailSelected()
        case .configs: openConfigs()
        default: return performSorting(action)
        }
        return true
    }

    /// The marked topics together, or the selected one.
    private mutating func tailSelected() {
        let marked = place == .topics ? tables[0].order.map { tables[0].model.rows[$0].id }.filter { view.panels[0].isMarked($0) } : []
        if !marked.isEmpty { return push(.tail(marked.joined(separator: " "))) }
        if let topic = selectedTopic { push(.tail(topic)) } else { say(.info, "Select a topic to tail.") }
    }

    private mutating func openFilter() -> Bool {
        overlay = .prompt(Prompt(.filter, text: filterText))
        return true
    }

    /// The next panel that is on the screen.
    private mutating func turnPanel(_ step: Int) {
        let areas = panelAreas(layout.body)
        guard !areas.isEmpty else { return }
        if place != .overview {
            view.panel = (view.panel + step) % view.panels.count
            return
        }
        for _ in view.panels.indices {
            view.panel = (view.panel + step) % view.panels.count
            if !areas[view.panel].isEmpty { return }
        }
    }

    private mutating func performSorting(_ action: Action) -> Bool {
        guard view.panel < tables.count, place.isTable else { return false }
        let table = tables[view.panel]
        let count = table.model.columns.count
        switch action {
        case .sortPrevious: sort(by: (table.sortColumn + count - 1) % count)
        case .sortNext: sort(by: (table.sortColumn + 1) % count)
        case .sortReverse: sort(by: table.sortColumn)
        case .sortName: sort(by: 0)
        case .sortState:
            let titles = ["VERDICT", "STATE", "STANDING", "HEALTH", "NOTE", "SOURCE", "WHAT", "PERMISSION"]
            let columns = titles.compactMap { title in table.model.columns.firstIndex { $0.title == title } }
            guard let column = columns.first else { return true }
            sort(by: column)
        default: return false
        }
        return true
    }

    private mutating func sort(by column: Int) {
        view.panels[view.panel].sort(by: column, current: tables[view.panel])
        rebuild()
    }

    private mutating func openSelected() {
        guard let row = selectedRow else { return }
        if place == .contexts || place == .clusters { return switchContext(row.id) }
        if case .diff(let name) = place, row.target == nil { return sayWhereItIs(row, name) }
        guard let target = row.target else { return describeSelected() }
        push(target)
        // From a partition's row, only that partition is tailed.
        if case .topic = trail.dropLast().last?.place, case .tail = target, let partition = Int32(row.id) {
            restartTail { $0.partition = partition }
        }
    }

    private mutating func describeSelected() {
        switch place {
        case .brokers where view.panel == 1, .events:
            if let index = selectedRow.flatMap({ Int($0.id) }) { push(.describe(.event(index))) }
        case .brokers, .quorum, .heat: if let id = selectedRow.flatMap({ Int32($0.id) }) { push(.describe(.broker(BrokerID(id)))) }
        case .topic where view.panel == 1: if let id = selectedRow.flatMap({ Int32($0.id) }) { push(.describe(.broker(BrokerID(id)))) }
        case .topic, .partitions, .reassignments: if let partition = selectedPartition { push(.describe(.partition(partition))) }
        case .groups, .group: if let id = selectedGroup { push(.describe(.group(id))) }
        case .clusters: if let row = selectedRow { push(.describe(.cluster(row.id))) }
        case .topics: if let name = selectedTopic { push(.describe(.topic(name))) }
        case .connectors: if let id = chosenConnector { push(.describe(.connector(id, task: nil))) }
        case .connector(let id): push(.describe(.connector(id, task: selectedRow.flatMap { Int($0.id) })))
        case .clients: if let row = selectedRow { push(.describe(.client(row.id))) }
        default: break
        }
    }

    /// The next kind of trouble to show, round to all.
    private mutating func turnTrouble(_ step: Int) {
        let kinds: [PartitionTrouble?] = [nil] + PartitionTrouble.allCases.map { $0 }
        let index = kinds.firstIndex { $0 == view.trouble } ?? 0
        view.trouble = kinds[(index + step + kinds.count) % kinds.count]
        rebuild()
    }

    private mutating func openConfigs() {
        if case .brokers = place, view.panel == 0, let id = selectedRow.flatMap({ Int32($0.id) }) {
            push(.configs(.broker(BrokerID(id))))
        } else if let topic = selectedTopic {
            push(.configs(.topic(topic)))
        }
    }

    private mutating func copySelected(wholeRow: Bool) {
        guard let row = selectedRow else { return }
        let marked = tables[view.panel].order.map { tables[view.panel].model.rows[$0] }.filter { view.panels[view.panel].isMarked($0.id) }
        let rows = marked.isEmpty ? [row] : marked
        let lines = rows.map { wholeRow ? $0.cells.map(\.text).joined(separator: "\t") : $0.id }
        request(.copy(lines.joined(separator: "\n")))
        say(.info, rows.count == 1 && !wholeRow ? "Copied \(row.id)." : "Copied \(rows.count) row\(plural(rows.count)).")
    }

    private mutating func openMenu() {
        let shown = keys.bindings(in: place, readOnly: isReadOnly || isPast, hasChaos: chaos != nil)
        let items = shown.filter { !$0.hint.isEmpty && ![.help, .command, .filter, .otherPanel].contains($0.action) }
        overlay = .menu(
            Menu(title: "Actions", items: items.map { Menu.Item(key: $0.keys.first?.name ?? "", text: $0.help, action: $0.action) }))
    }
}
