import Grid
import Observatory
import Primitives

/// Going from view to view.
extension Console {
    /// Drills down: the new view goes on top of the trail.
    mutating func push(_ place: Place) {
        remember()
        trail.append(ViewState(place))
        entered()
    }

    /// Starts anew from a root.
    mutating func jump(_ place: Place) {
        guard !(trail.count == 1 && self.place == place) else { return }
        remember()
        leaveTail(keeping: [])
        trail = [ViewState(place)]
        entered()
    }

    /// Esc and q: clears a filter first; at the root, asks whether to quit.
    mutating func back(asksToQuit: Bool) {
        if isFullscreen {
            isFullscreen = false
        } else if !view.filter.isEmpty || view.tail?.filter.isEmpty == false || !view.text.search.isEmpty {
            setFilter("")
        } else if trail.count > 1 {
            remember()
            let old = trail.removeLast()
            if let tail = old.tail { request(.stopTail(session: tail.query.session)) }
            rebuild()
        } else if asksToQuit {
            overlay = .confirmQuit
        }
    }

    private mutating func entered() {
        if case .tail(let topic) = place { startTail(topic) }
        askSchemas()
        askClients(isNow: true)
        askConnect(isNow: true)
        askComparison()
        rebuild()
    }

    private mutating func remember() {
        past.append(trail)
        if past.count > Console.historyMax { past.removeFirst() }
        future = []
    }

    mutating func historyBack() {
        guard let trail = past.popLast() else { return say(.info, "Nothing before this view.") }
        future.append(self.trail)
        restore(trail)
    }

    mutating func historyForward() {
        guard let trail = future.popLast() else { return say(.info, "Nothing after this view.") }
        past.append(self.trail)
        restore(trail)
    }

    /// `-`: the view before this one; again comes back.
    mutating func lastView() {
        guard let trail = past.popLast() else { return say(.info, "No other view yet.") }
        past.append(self.trail)
        restore(trail)
    }

    private mutating func restore(_ trail: [ViewState]) {
        leaveTail(keeping: trail)
        self.trail = trail
        // A tail that was left has stopped reading: it goes on from the end of what it holds only when asked, so it says paused.
        for index in self.trail.indices where self.trail[index].tail != nil && self.trail[index].tail?.query.session != lastTailSession {
            self.trail[index].tail?.isStopped = true
        }
        rebuild()
    }

    private mutating func leaveTail(keeping kept: [ViewState]) {
        for state in trail {
            guard let tail = state.tail, !kept.contains(where: { $0.tail?.query.session == tail.query.session }) else { continue }
            request(.stopTail(session: tail.query.session))
            lastTailSession += 1
        }
    }

    /// The topic that a key in this place is about.
    var selectedTopic: String? {
        switch place {
        case .topics: return selectedRow?.id
        case .partitions, .reassignments: return selectedPartition?.topic
        case .topic(let name), .tail(let name): return name
        case .group:
            if view.panel == 0, case .tail(let topic)? = selectedRow?.target { return topic }
            return nil
        case .overview:
            if case .topic(let name)? = selectedRow?.target { return name }
            return nil
        case .configs(let resource): return resource.kind == .topic ? resource.name : nil
        case .diff:
            if case .topic(let name)? = selectedRow?.target { return name }
            return nil
        case .why(.topic(let name)): return name
        case .why(.partition(let partition)): return partition.topic
        case .why(.group): return whyPartition?.topic
        default: return nil
        }
    }

    /// The partition that a key in this place is about.
    var selectedPartition: TopicPartition? {
        switch place {
        case .topic(let name):
            let row = tables.isEmpty || tables[0].count == 0 ? nil : tables[0].row(min(view.panels[0].position, tables[0].count - 1))
            return row.flatMap { Int32($0.id) }.map { TopicPartition(name, $0) }
        case .partitions, .reassignments: return selectedRow.flatMap { partition($0) }
        case .describe(.partition(let partition)): return partition
        default: return nil
        }
    }

    /// A row's partition, where it stands for one: its topic may have any character, its index is what follows the last '-'.
    func partition(_ row: TableRow) -> TopicPartition? {
        guard let dash = row.id.lastIndex(of: "-"), let index = Int32(row.id[row.id.index(after: dash)...]), index >= 0 else { return nil }
        let name = TopicPartition(String(row.id[..<dash]), index)
        return snapshot.partition(name) == nil ? nil : name
    }

    /// The broker that a key in this place is about.
    var selectedBroker: BrokerID? {
        switch place {
        case .brokers, .overview:
            guard view.panel == 0 else { return nil }
            return selectedRow.flatMap { Int32($0.id) }.map { BrokerID($0) }
        case .quorum, .heat: return selectedRow.flatMap { Int32($0.id) }.map { BrokerID($0) }
        default: return nil
        }
    }

    var selectedGroup: String? {
        switch place {
        case .groups: return selectedRow?.id
        case .group(let id), .why(.group(let id)): return id
        case .overview:
            if case .group(let id)? = selectedRow?.target { return id }
            return nil
        default: return nil
        }
    }

    mutating func setFilter(_ text: String, isTyped: Bool = false) {
        if view.tail != nil {
            setTailFilter(text, isTyped: isTyped)
        } else if place.isTable {
            view.filter = RowFilter(text)
            rebuild()
        } else {
            view.text.search = RowFilter(text)
            findMatch(from: view.text.top, forward: true)
        }
    }

    var filterText: String {
        if let tail = view.tail { return tail.filter.text }
        return place.isTable ? view.filter.text : view.text.search.text
    }
}
