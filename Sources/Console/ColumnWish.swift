import Grid
import Observatory
import Primitives

/// How somebody wants a view's table: which columns, in which order, how wide, sorted by what.
package struct ColumnWish: Equatable, Sendable {
    package struct Width: Equatable, Sendable {
        package var column: String
        package var width: Int
        package init(_ column: String, _ width: Int) { (self.column, self.width) = (column, width) }
    }

    /// The view's name, as key files have it: `topics`, `group`.
    package var view: String
    /// Titles; those left out are not shown. Empty: as the view has them.
    package var order: [String] = []
    /// A title, with `-` before it for the largest first.
    package var sort: String?
    package var widths: [Width] = []

    package init(view: String) { self.view = view }

    /// Titles it names that the view does not have.
    package func unknown(among titles: [String]) -> [String] {
        let named = order + widths.map(\.column) + [sort.map { String($0.drop { $0 == "-" }) }].compactMap { $0 }
        return named.filter { name in !titles.contains { $0.lowercased() == name.lowercased() } }
    }
}

extension TableModel {
    /// The first column says what a row is: it stays the first.
    mutating func apply(_ wish: ColumnWish) {
        func index(_ title: String) -> Int? { columns.firstIndex { $0.title.lowercased() == title.lowercased() } }
        for width in wish.widths {
            guard let column = index(width.column) else { continue }
            columns[column].min = width.width
            columns[column].max = width.width
            columns[column].grows = false
        }
        if let sort = wish.sort, let column = index(String(sort.drop { $0 == "-" })) {
            isInOrder = isInOrder && column == defaultSort
            (defaultSort, sortsDescending) = (column, sort.hasPrefix("-"))
        }
        let wanted = wish.order.compactMap(index).filter { $0 != 0 }
        guard !wish.order.isEmpty else { return }
        var kept = [0]
        for column in wanted where !kept.contains(column) { kept.append(column) }
        // What rows are sorted by stays among them.
        if !kept.contains(defaultSort) { (defaultSort, sortsDescending) = (0, false) }
        columns = kept.map { columns[$0] }
        for row in rows.indices { rows[row].cells = kept.map { rows[row].cells[$0] } }
        defaultSort = kept.firstIndex(of: defaultSort) ?? 0
    }
}

extension Console {
    /// The titles of a view's first table; nil where there is no such view.
    package static func columnTitles(of view: String) -> [String]? {
        guard let place = KeyMap.places.first(where: { $0.isTable && $0.contexts.last?.rawValue == view }) else { return nil }
        var console = Console(options: ConsoleOptions(contextName: "", bootstrap: []))
        return console.models(of: place).first?.columns.map(\.title).filter { !$0.isEmpty }
    }
}
