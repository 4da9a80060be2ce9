import Primitives

/// The forms a listing can be printed in.
package enum OutputFormat: String, CaseIterable, Sendable {
    case table, json, jsonl, csv
    package static var names: [String] { allCases.map(\.rawValue) }
}

/// Rows under named columns: what every command that shows something prints, in any format. A column has one name for people
/// (`LOG-END-OFFSET`) and one for programs (`logEndOffset`).
package struct Listing: Equatable, Sendable {
    package struct Column: Equatable, Sendable {
        package var title: String
        package var key: String
        /// Numbers stand at the right of their column.
        package var alignsRight: Bool

        package init(_ title: String, _ key: String, right: Bool = false) { (self.title, self.key, alignsRight) = (title, key, right) }
    }

    package var columns: [Column]
    package private(set) var rows: [[JSON]] = []
    /// What stands in a table where there is no value.
    package var absent = "-"

    package init(_ columns: [Column]) { self.columns = columns }

    package mutating func add(_ row: [JSON]) {
        precondition(row.count == columns.count, "a row has a value for each column")
        rows.append(row)
    }

    /// The listing as printed. CSV carries names as they are, for programs; on a terminal what it would obey is made visible.
    package func text(_ format: OutputFormat, forTerminal: Bool = false) -> String {
        switch format {
        case .table: table
        case .json: JSON.array(objects).text + "\n"
        case .jsonl: objects.map { $0.text + "\n" }.joined()
        case .csv: forTerminal ? visible(csv, keepingLines: true) : csv
        }
    }

    private var objects: [JSON] {
        rows.map { row in .object(zip(columns, row).map { JSON.Member($0.key, $1) }) }
    }

    /// Columns apart by two spaces, as wide as their widest cell; a dash, or the listing's own word, where there is no value.
    private var table: String {
        let cells = rows.map { row in row.map { $0 == .null ? absent : Listing.cell($0) } }
        let widths = columns.indices.map { index in
            cells.reduce(displayWidth(columns[index].title)) { max($0, displayWidth($1[index])) }
        }
        var out = line(columns.map(\.title), widths)
        for row in cells { out += line(row, widths) }
        return out
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var out = ""
        for (index, cell) in cells.enumerated() {
            if index > 0 { out += "  " }
            let gap = String(repeating: " ", count: widths[index] - displayWidth(cell))
            out += columns[index].alignsRight ? gap + cell : cell + gap
        }
        while out.last == " " { out.removeLast() }
        return out + "\n"
    }

    /// A value as a table shows it: lists by commas, and nothing that a terminal would obey.
    static func cell(_ value: JSON) -> String {
        switch value {
        case .null: "-"
        case .string(let text): text.isEmpty ? "" : visible(text)
        case .bool(let value): value ? "yes" : "no"
        case .array(let values): values.map { cell($0) }.joined(separator: ",")
        case .object(let members): members.map { "\($0.name)=\(cell($0.value))" }.joined(separator: ",")
        case .number, .decimal: value.text
        }
    }

    /// RFC 4180, with a header of the keys. Missing values are empty.
    private var csv: String {
        var out = columns.map(\.key).joined(separator: ",") + "\n"
        for row in rows { out += row.map { Listing.field($0) }.joined(separator: ",") + "\n" }
        return out
    }

    private static func field(_ value: JSON) -> String {
        let text: String
        switch value {
        case .null: return ""
        case .string(let string): text = string
        case .array(let values): text = values.map { cell($0) }.joined(separator: " ")
        case .bool, .number, .decimal, .object: text = value.text
        }
        let quotes = text.utf8.contains { $0 == 0x22 || $0 == 0x2c || $0 == 0x0a || $0 == 0x0d }
        return quotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
}

/// Columns that `text` takes on a screen.
func displayWidth(_ text: String) -> Int { text.count }
