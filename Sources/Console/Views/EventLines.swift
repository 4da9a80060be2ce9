import Observatory
import Primitives

extension Console {
    /// The timeline as it is filtered, oldest first, a line of JSON each.
    var eventLines: String {
        guard let table = tables.first else { return "" }
        let first = snapshot.eventCount - snapshot.events.count
        let shown = table.order.compactMap { Int(table.model.rows[$0].id) }.sorted()
        return shown.filter { snapshot.events.indices.contains($0 - first) }.reduce(into: "") { out, number in
            let event = snapshot.events[number - first]
            let words = eventWords(event.kind)
            out += EventExport.line(event, what: words.what, object: words.object, detail: words.detail) + "\n"
        }
    }
}
