import Grid
import Observatory
import Primitives

/// The overview's tables: brokers, busiest topics, largest lags, latest events. Each is a short form of a view one key away.
func overviewModels(_ snapshot: ClusterSnapshot) -> [TableModel] {
    let freshness = Freshness(time: snapshot.observations.metadata.time, error: snapshot.observations.metadata.error)
    return [
        overviewBrokers(snapshot, freshness), overviewTopics(snapshot, freshness), overviewGroups(snapshot), overviewEvents(snapshot),
    ]
}

private func overviewBrokers(_ snapshot: ClusterSnapshot, _ freshness: Freshness) -> TableModel {
    let columns = [
        Column("ID", right: true, min: 2), Column("ADDRESS", min: 10, max: 60, grows: true), Column("ROLE", min: 10, priority: 2),
        Column("LEADERS", right: true, min: 7, priority: 1), Column("STATE", min: 4, max: 20),
    ]
    let rows = snapshot.brokers.values.map { broker -> TableRow in
        let isController = broker.isController || snapshot.controller == broker.id
        return TableRow(
            broker.id.description,
            [
                CellValue(broker.id.description, .row, key: .number(Double(broker.id.rawValue))), CellValue(broker.address),
                isController ? CellValue("controller", .highlight) : .unknown, .count(broker.leaders), brokerState(broker),
            ], target: .brokers)
    }
    return TableModel(title: "Brokers", subject: "2", columns: columns, rows: Array(rows), freshness: freshness)
}

private func overviewTopics(_ snapshot: ClusterSnapshot, _ freshness: Freshness) -> TableModel {
    let columns = [
        Column("TOPIC", min: 10, max: 80, grows: true), Column("MSG/S", right: true, min: 6),
        Column("TREND", min: 12, max: 12, priority: 3),
        Column("MESSAGES", right: true, min: 8, priority: 1), Column("SIZE", right: true, min: 7, priority: 2),
    ]
    let rows = snapshot.topics.values.filter { !$0.isInternal }.map { topic in
        TableRow(
            topic.name,
            [
                CellValue(topic.name), .rate(topic.messageRate), trend(topic.rates.map { $0.messages ?? 0 }), .count(topic.messages),
                .bytes(topic.sizeBytes),
            ], target: .topic(topic.name))
    }
    return TableModel(
        title: "Busiest topics", subject: "3", columns: columns, rows: rows, defaultSort: 1, sortsDescending: true,
        emptyLines: ["No topics yet.", "n  creates one"], freshness: freshness)
}

private func overviewGroups(_ snapshot: ClusterSnapshot) -> TableModel {
    let columns = [
        Column("GROUP", min: 10, max: 80, grows: true), Column("STATE", min: 6, max: 20, priority: 1), Column("LAG", right: true, min: 6),
        Column("TREND", min: 12, max: 12, priority: 3), Column("MEMBERS", right: true, min: 7, priority: 2),
    ]
    let rows = snapshot.groups.values.map { group in
        TableRow(
            group.id,
            [
                CellValue(group.id), groupState(group), lagCell(group.lag),
                trend(group.lags.map { Double($0.lag) }, scope: .chartAlternative),
                .count(group.members.count),
            ], target: .group(group.id))
    }
    return TableModel(
        title: "Top lag", subject: "4", columns: columns, rows: rows, defaultSort: 2, sortsDescending: true,
        emptyLines: ["No consumer groups yet."],
        freshness: Freshness(time: snapshot.observations.groups.time, error: snapshot.observations.groups.error))
}

private func overviewEvents(_ snapshot: ClusterSnapshot) -> TableModel { latestEventRows(snapshot) }

/// The newest events, for a panel.
func latestEventRows(_ snapshot: ClusterSnapshot) -> TableModel {
    var model = eventRows(snapshot)
    model.title = "Latest events"
    model.subject = "5"
    model.rows = SharedArray(whole: Array(foldedEventRows(snapshot).prefix(100)))
    model.emptyLines = ["Nothing has happened since this console looked."]
    return model
}

extension Console {
    func drawOverview(_ grid: inout Grid, _ body: Rect) {
        let areas = overviewAreas(body)
        for (index, area) in areas.panels.enumerated() where !area.isEmpty {
            drawTable(&grid, area, tables[index], view.panels[index], isFocused: view.panel == index)
        }
        drawHealth(&grid, areas.health)
    }

    /// Counts of what is well and what is not, and the traffic as a chart.
    private func drawHealth(_ grid: inout Grid, _ area: Rect) {
        guard !area.isEmpty else { return }
        grid.box(area, Style(.border))
        grid.put(area.x + max(2, (area.width - 8) / 2), area.y, " Health ", .title, clip: area)
        let inside = area.inset(2, 1)
        guard snapshot.observations.metadata.time != nil else {
            grid.put(inside.x, inside.y, "No data yet.", .muted, clip: inside)
            return
        }
        let health = snapshot.health
        let counts = "\(Format.count(health.partitions)) partitions  \(snapshot.topics.count) topics  \(health.groups) groups"
        grid.put(inside.x, inside.y, spans: healthSpans(), clip: inside)
        grid.put(inside.x, inside.y + 1, Clip.end(counts, inside.width, grid.glyphs), .value, clip: inside)
        let last = snapshot.throughput.last
        let lag: [Span] = health.totalLag > 0 ? [Span("   Lag ", .label), Span(Format.count(health.totalLag), .value)] : []
        let rates: [Span] = [
            Span("In ", .label), Span(Format.rate(last?.messages), .value), Span("  " + Format.byteRate(last?.bytes), .value),
        ]
        grid.put(inside.x, inside.y + 2, spans: rates + lag, clip: inside)
        drawChart(&grid, Rect(inside.x, inside.y + 3, inside.width, inside.height - 3))
    }

    /// The throughput over time, as many rows high as there is room for.
    private func drawChart(_ grid: inout Grid, _ area: Rect) {
        let values = snapshot.throughput.suffix(area.width).map { $0.messages ?? 0 }
        guard area.height > 0, let highest = values.max(), highest > 0 else { return }
        let levels = Double(grid.glyphs.levels.count)
        let left = area.right - values.count
        for (i, value) in values.enumerated() {
            let filled = (value / highest * Double(area.height) * levels).rounded()
            for row in 0..<area.height {
                let level = Int(filled - Double(row) * levels)
                guard level > 0 || row == 0 else { break }
                let glyph = grid.glyphs.levels[min(max(level, 1), grid.glyphs.levels.count) - 1]
                grid.put(left + i, area.bottom - 1 - row, String(glyph), .chart, clip: area)
            }
        }
    }
}
