import Primitives

/// The CSV that `kafka-consumer-groups --export` writes and `--from-file` reads: `topic,partition,offset` for one group,
/// `group,topic,partition,offset` for several; no header; values may stand in double quotes.
package struct OffsetsFile: Equatable, Sendable {
    package struct Row: Equatable, Sendable {
        /// Nil in the form for one group.
        package var group: String?
        package var partition: TopicPartition
        package var offset: Offset

        package init(group: String? = nil, partition: TopicPartition, offset: Offset) {
            self.group = group
            self.partition = partition
            self.offset = offset
        }
    }
    package var rows: [Row]

    package init(rows: [Row]) { self.rows = rows }

    package static func parse(_ text: String) throws(PlanError) -> OffsetsFile {
        var rows: [Row] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: { $0.isNewline }).enumerated() {
            let cells = cells(of: line)
            if cells.count == 1 && cells[0].isEmpty { continue }
            guard cells.count == 3 || cells.count == 4, let partition = Int32(cells[cells.count - 2]), partition >= 0,
                let offset = Int64(cells[cells.count - 1])
            else { throw PlanError("Line \(index + 1) of the file is not topic,partition,offset or group,topic,partition,offset.") }
            let name = TopicPartition(cells[cells.count - 3], partition)
            rows.append(Row(group: cells.count == 4 ? cells[0] : nil, partition: name, offset: Offset(offset)))
        }
        guard !rows.isEmpty else { throw PlanError("The file has no offsets.") }
        return OffsetsFile(rows: rows)
    }

    private static func cells(of line: Substring) -> [String] {
        line.split(separator: ",", omittingEmptySubsequences: false).map { cell in
            var cell = cell
            while cell.first?.isWhitespace == true { cell.removeFirst() }
            while cell.last?.isWhitespace == true { cell.removeLast() }
            if cell.count >= 2, cell.first == "\"", cell.last == "\"" { cell = cell.dropFirst().dropLast() }
            return String(cell)
        }
    }

    /// As `--export` prints it.
    package var text: String {
        rows.map { row in
            let name = "\(row.partition.topic),\(row.partition.partition),\(row.offset)\n"
            return row.group.map { "\($0),\(name)" } ?? name
        }.joined()
    }
}

extension GroupSnapshot {
    /// What the group has committed, as a file that another can be reset by; nil where nothing is known of it.
    package func offsetsFile(_ scope: ResetScope) -> OffsetsFile? {
        let rows = partitions.compactMap { row -> OffsetsFile.Row? in
            guard let committed = row.committed else { return nil }
            switch scope {
            case .allTopics: break
            case .topics(let names): if !names.contains(row.partition.topic) { return nil }
            case .partitions(let wanted): if !wanted.contains(row.partition) { return nil }
            }
            return OffsetsFile.Row(partition: row.partition, offset: committed)
        }
        return rows.isEmpty ? nil : OffsetsFile(rows: rows)
    }
}
