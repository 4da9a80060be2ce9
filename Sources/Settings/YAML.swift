import CYAML

/// A YAML document as a tree whose nodes know their lines, read by libyaml. Anchors and aliases are followed.
package struct YAML: Equatable, Sendable {
    package indirect enum Value: Equatable, Sendable {
        case text(String)
        case list([YAML])
        case map([Entry])
    }

    package struct Entry: Equatable, Sendable {
        package var key: String
        package var line: Int
        package var value: YAML
    }

    /// What is wrong, and where; a phrase without its file.
    package struct Failure: Error, Equatable, Sendable {
        package var line: Int
        package var message: String

        package init(line: Int, _ message: String) { (self.line, self.message) = (line, message) }
    }

    package var value: Value
    /// Counted from 1.
    package var line: Int
    /// Written without quotes: `true`, `5m`, `~` are then what they look like.
    package var isPlain: Bool

    /// An alias bomb gets no further than this.
    private static let nodesMax = 20_000
    private static let depthMax = 32
    package static let bytesMax = 256 * 1024

    package static func parse(_ text: String) throws(Failure) -> YAML {
        var bytes = Array(text.utf8)
        if bytes.count > bytesMax { throw Failure(line: 1, "longer than \(bytesMax) bytes") }
        bytes.append(0)
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { throw Failure(line: 1, "out of memory") }
        defer { yaml_parser_delete(&parser) }
        var document = yaml_document_t()
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<YAML, Failure> in
            yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count - 1)
            guard yaml_parser_load(&parser, &document) == 1 else { return .failure(problem(parser)) }
            defer { yaml_document_delete(&document) }
            guard let root = yaml_document_get_root_node(&document) else {
                return .success(YAML(value: .map([]), line: 1, isPlain: true))
            }
            var budget = nodesMax
            return tree(&document, root, 0, &budget).map { .success($0) } ?? .failure(Failure(line: 1, "nested too deep, or too large"))
        }
        return try result.get()
    }

    private static func problem(_ parser: yaml_parser_t) -> Failure {
        Failure(line: Int(parser.problem_mark.line) + 1, parser.problem.map { String(cString: $0) } ?? "not YAML")
    }

    private static func tree(
        _ document: UnsafeMutablePointer<yaml_document_t>, _ node: UnsafeMutablePointer<yaml_node_t>, _ depth: Int, _ budget: inout Int
    ) -> YAML? {
        budget -= 1
        guard budget > 0, depth < depthMax else { return nil }
        let line = Int(node.pointee.start_mark.line) + 1
        switch node.pointee.type {
        case YAML_SCALAR_NODE:
            let scalar = node.pointee.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return YAML(value: .text(text), line: line, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
        case YAML_SEQUENCE_NODE:
            var items: [YAML] = []
            var item = node.pointee.data.sequence.items.start
            while let at = item, let top = node.pointee.data.sequence.items.top, at < top {
                guard let child = yaml_document_get_node(document, at.pointee), let value = tree(document, child, depth + 1, &budget) else {
                    return nil
                }
                items.append(value)
                item = at + 1
            }
            return YAML(value: .list(items), line: line, isPlain: true)
        case YAML_MAPPING_NODE:
            var entries: [Entry] = []
            var pair = node.pointee.data.mapping.pairs.start
            while let at = pair, let top = node.pointee.data.mapping.pairs.top, at < top {
                guard let key = yaml_document_get_node(document, at.pointee.key),
                    let value = yaml_document_get_node(document, at.pointee.value), let name = tree(document, key, depth + 1, &budget),
                    case .text(let text) = name.value, let read = tree(document, value, depth + 1, &budget)
                else { return nil }
                entries.append(Entry(key: text, line: name.line, value: read))
                pair = at + 1
            }
            return YAML(value: .map(entries), line: line, isPlain: true)
        default: return YAML(value: .map([]), line: line, isPlain: true)
        }
    }
}

extension YAML {
    package var text: String? {
        guard case .text(let text) = value, !isNull else { return nil }
        return text
    }
    package var list: [YAML]? {
        guard case .list(let items) = value else { return nil }
        return items
    }
    package var entries: [Entry]? {
        if isNull { return [] }
        guard case .map(let entries) = value else { return nil }
        return entries
    }
    /// Nothing, `~` or `null`, without quotes.
    package var isNull: Bool {
        guard case .text(let text) = value, isPlain else { return false }
        return ["", "~", "null"].contains(text.lowercased())
    }
    package var bool: Bool? {
        switch text?.lowercased() {
        case "true", "yes", "on": true
        case "false", "no", "off": false
        default: nil
        }
    }
    /// One text, or a list of texts.
    package var texts: [String]? {
        if let text { return [text] }
        guard let list else { return nil }
        let found = list.compactMap(\.text)
        return found.count == list.count ? found : nil
    }

    package subscript(key: String) -> YAML? { entries?.last { $0.key == key }?.value }

    /// By keys with dots between.
    package func at(_ path: String) -> YAML? {
        var node: YAML? = self
        for key in path.split(separator: ".") { node = node?[String(key)] }
        return node
    }

    /// The entries, none of whose keys may be there twice or be another than these (where some are given).
    package func entries(of what: String, only known: [String] = []) throws(Failure) -> [Entry] {
        guard let entries else { throw Failure(line: line, "\(what) is to be a map of names and values") }
        var seen: [String] = []
        for entry in entries {
            if seen.contains(entry.key) { throw Failure(line: entry.line, "\(entry.key) is there twice in \(what)") }
            seen.append(entry.key)
            if !known.isEmpty, !known.contains(entry.key) {
                throw Failure(line: entry.line, "\(what) has no \(entry.key); it has \(known.joined(separator: ", "))")
            }
        }
        return entries
    }

    package func wantedText(_ what: String) throws(Failure) -> String {
        guard let text else { throw Failure(line: line, "\(what) is to be a text") }
        return text
    }

    package func wantedBool(_ what: String) throws(Failure) -> Bool {
        guard let bool else { throw Failure(line: line, "\(what) is to be true or false") }
        return bool
    }
}
