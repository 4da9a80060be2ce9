import Grid
import Observatory
import Primitives

/// Moving replicas and leaders, and faults on purpose.
extension Console {
    mutating func performReplication(_ action: Action) -> Bool {
        switch action {
        case .reassign: if let scope = changeScope { overlay = .form(.reassign(scope, snapshot)) }
        case .changeReplication: if let scope = changeScope { overlay = .form(.replicationFactor(scope, snapshot)) }
        case .electLeaders: if let scope = changeScope { overlay = .form(.elect(scope)) }
        case .moveLeader: if let scope = changeScope { overlay = .form(.moveLeader(scope, snapshot)) }
        case .drain: if let broker = selectedBroker { overlay = .form(.drain(broker, snapshot)) }
        case .throttle: overlay = .form(.throttle(snapshot))
        case .cancelReassignment: cancelReassignments()
        case .removeThrottles: plan(.throttle(nil))
        case .pauseMoves, .endMoves, .letMovesArrive, .cancelMoves: steerMoves(action)
        case .resumeMoves: resumeMoves()
        default: return false
        }
        return true
    }

    /// What is marked, or what is selected: topics in the list of topics, else partitions. In a topic nothing marked means all of it, but
    /// for moving a leader, which is about one partition.
    var changeScope: PartitionScope? {
        guard let table = tables.first else { return nil }
        let marked = table.order.map { table.model.rows[$0] }.filter { view.panels[0].isMarked($0.id) }
        switch place {
        case .topics:
            if !marked.isEmpty { return .topics(marked.map(\.id)) }
            return selectedTopic.map { .topics([$0]) }
        case .topic(let name):
            if !marked.isEmpty { return .partitions(marked.compactMap { Int32($0.id) }.map { TopicPartition(name, $0) }) }
            return selectedPartition.map { .partitions([$0]) }
        case .partitions, .reassignments:
            if !marked.isEmpty { return .partitions(marked.compactMap { partition($0) }) }
            return selectedPartition.map { .partitions([$0]) }
        default: return nil
        }
    }

    private mutating func cancelReassignments() {
        guard case .partitions(let chosen)? = changeScope, chosen.contains(where: { snapshot.reassignments[$0] != nil }) else {
            return say(.info, "Select a partition that is on its way; X removes a throttle left behind.")
        }
        plan(.cancelReassignments(chosen.filter { snapshot.reassignments[$0] != nil }))
    }

    // MARK: Batches

    private mutating func steerMoves(_ action: Action) {
        guard let (ticket, progress) = moves.first.map({ ($0.key, $0.value) }) else {
            return say(.info, "No moves in batches are under way from here.")
        }
        switch action {
        case .pauseMoves: request(.steer(ticket: ticket, progress.isPaused ? .resume : .pause))
        case .letMovesArrive: request(.steer(ticket: ticket, .stop))
        case .cancelMoves: request(.steer(ticket: ticket, .cancel))
        default:
            let items = keys.bindings.filter { $0.contexts.contains(.moves) }.map { binding in
                Menu.Item(key: binding.keys.first?.name ?? "", text: binding.help, action: binding.action)
            }
            overlay = .menu(Menu(title: "End the moves", items: items))
        }
    }

    private mutating func resumeMoves() {
        if !moves.isEmpty { return say(.info, "Moves in batches are under way; p pauses them.") }
        lastTicket += 1
        overlay = .plan(PlanDialog(ticket: lastTicket, action: .reassign(Reassign(.all, .exact([])))))
        request(.resumeMoves(ticket: lastTicket))
    }

    mutating func takeBatches(_ ticket: Int, _ progress: BatchProgress) {
        moves[ticket] = progress
        takeProgress(ticket, progress.text + ".")
        if place == .reassignments { rebuild() }
    }

    // MARK: Chaos

    mutating func performChaos(_ action: Action) -> Bool {
        if action == .chaos {
            openChaos()
            return true
        }
        guard let chosen = chaosAction(action) else { return false }
        guard chaos != nil, !isReadOnly, let broker = selectedBroker else { return true }
        request(.chaos(broker, chosen))
        say(.warning, "Broker \(broker): \(chosen.description).")
        return true
    }

    private func chaosAction(_ action: Action) -> ChaosAction? {
        switch action {
        case .chaosKill: return .kill
        case .chaosRestart: return .restart
        case .chaosPause: return .pause
        case .chaosResume: return .resume
        case .chaosCut:
            let own = selectedBroker
            return .cut(from: chaos?.keys.filter { $0 != own } ?? [])
        case .chaosSlowDisk: return .slowDisk(milliseconds: Console.slowDiskMs)
        case .chaosFullDisk: return .fullDisk
        case .chaosHeal: return .heal
        default: return nil
        }
    }

    /// What a slow disk costs each write and sync: enough to be seen, too little to stop a cluster.
    static let slowDiskMs: Int64 = 200

    /// Only what makes sense for the broker as it is.
    private mutating func openChaos() {
        guard let broker = selectedBroker, let condition = chaos?[broker] else { return say(.info, "Select a broker of this cluster.") }
        let offered = keys.bindings.filter { binding in
            guard binding.contexts.contains(.chaos) else { return false }
            switch binding.action {
            case .chaosKill: return condition.isRunning
            case .chaosRestart: return !condition.isPaused
            case .chaosPause: return condition.isRunning && !condition.isPaused
            case .chaosResume: return condition.isPaused
            case .chaosCut: return condition.isRunning && condition.cutFrom.isEmpty && (chaos?.count ?? 0) > 1
            case .chaosSlowDisk: return condition.diskDelayMs == 0
            case .chaosFullDisk: return !condition.isDiskFull
            case .chaosHeal: return !condition.cutFrom.isEmpty || condition.diskDelayMs > 0 || condition.isDiskFull
            default: return false
            }
        }
        let items = offered.map { Menu.Item(key: $0.keys.first?.name ?? "", text: $0.help, action: $0.action) }
        overlay = .menu(Menu(title: "Chaos on broker \(broker)", items: items))
    }
}
