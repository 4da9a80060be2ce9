import Primitives

/// Cuts a stream of bytes into records at a delimiter, however the stream arrives.
struct LineSplitter {
    private let delimiter: [UInt8]
    private var rest: [UInt8] = []
    /// Where the search goes on, so that a long record is not searched again with every piece.
    private var searched = 0

    init(delimiter: [UInt8]) {
        precondition(!delimiter.isEmpty, "a delimiter has at least one byte")
        self.delimiter = delimiter
    }

    /// The records that are complete with these bytes.
    mutating func feed(_ bytes: some Sequence<UInt8>) -> [ArraySlice<UInt8>] {
        rest += bytes
        var found: [ArraySlice<UInt8>] = []
        var start = 0
        let last = delimiter[delimiter.count - 1]
        var index = searched
        while index < rest.count {
            if rest[index] == last, index + 1 - start >= delimiter.count,
                rest[(index + 1 - delimiter.count)...index].elementsEqual(delimiter)
            {
                found.append(rest[start..<(index + 1 - delimiter.count)])
                start = index + 1
            }
            index += 1
        }
        rest.removeFirst(start)
        searched = rest.count
        return found
    }

    /// What stands after the last delimiter, where that is anything.
    mutating func end() -> [UInt8]? {
        defer { rest = [] }
        return rest.isEmpty ? nil : rest
    }
}

/// A record's key and value in a line, at the first separator.
func splitKey(_ line: ArraySlice<UInt8>, separator: [UInt8]) -> (key: ArraySlice<UInt8>?, value: ArraySlice<UInt8>) {
    guard line.count >= separator.count, !separator.isEmpty else { return (nil, line) }
    for start in line.startIndex...(line.endIndex - separator.count)
    where line[start] == separator[0] && line[start..<(start + separator.count)].elementsEqual(separator) {
        return (line[..<start], line[(start + separator.count)...])
    }
    return (nil, line)
}

/// A text of a flag with its `\n`, `\t`, `\xNN` understood.
func unescaped(_ text: String) -> [UInt8] {
    var out: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "\\") { out += RecordFormat.escaped(&rest) } else { out.append(byte) }
    }
    return out
}
