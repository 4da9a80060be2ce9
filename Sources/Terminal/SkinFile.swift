import CYAML
import Glibc
import Grid

/// Reads YAML by libyaml into the tree that `Theme` understands. Anchors and aliases are followed, as k9s skins use them.
package enum SkinFile {
    package struct Failure: Error, Equatable, Sendable { package var message: String }

    /// A skin has a few hundred nodes; an alias bomb does not get further than this.
    private static let nodesMax = 20_000
    private static let depthMax = 32
    static let bytesMax = 256 * 1024

    package static func parse(_ text: String) throws(Failure) -> SkinTree {
        var bytes = Array(text.utf8)
        if bytes.count > bytesMax { throw Failure(message: "longer than \(bytesMax) bytes") }
        bytes.append(0)
        var parser = yaml_parser_t()
        guard yaml_parser_initialize(&parser) == 1 else { throw Failure(message: "out of memory") }
        defer { yaml_parser_delete(&parser) }
        var document = yaml_document_t()
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<SkinTree, Failure> in
            yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count - 1)
            guard yaml_parser_load(&parser, &document) == 1 else { return .failure(problem(parser)) }
            defer { yaml_document_delete(&document) }
            guard let root = yaml_document_get_root_node(&document) else { return .success(.map([])) }
            var budget = nodesMax
            return tree(&document, root, 0, &budget).map { .success($0) } ?? .failure(Failure(message: "nested too deep, or too large"))
        }
        return try result.get()
    }

    private static func problem(_ parser: yaml_parser_t) -> Failure {
        let what = parser.problem.map { String(cString: $0) } ?? "not YAML"
        return Failure(message: "line \(parser.problem_mark.line + 1): \(what)")
    }

    private static func tree(
        _ document: UnsafeMutablePointer<yaml_document_t>, _ node: UnsafeMutablePointer<yaml_node_t>, _ depth: Int, _ budget: inout Int
    ) -> SkinTree? {
        budget -= 1
        guard budget > 0, depth < depthMax else { return nil }
        switch node.pointee.type {
        case YAML_SCALAR_NODE:
            let scalar = node.pointee.data.scalar
            return .text(String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self))
        case YAML_SEQUENCE_NODE:
            var items: [SkinTree] = []
            var item = node.pointee.data.sequence.items.start
            while let at = item, let top = node.pointee.data.sequence.items.top, at < top {
                guard let child = yaml_document_get_node(document, at.pointee), let value = tree(document, child, depth + 1, &budget) else {
                    return nil
                }
                items.append(value)
                item = at + 1
            }
            return .list(items)
        case YAML_MAPPING_NODE:
            var entries: [(key: String, value: SkinTree)] = []
            var pair = node.pointee.data.mapping.pairs.start
            while let at = pair, let top = node.pointee.data.mapping.pairs.top, at < top {
                guard let key = yaml_document_get_node(document, at.pointee.key),
                    let value = yaml_document_get_node(document, at.pointee.value),
                    case .text(let name)? = tree(document, key, depth + 1, &budget), let read = tree(document, value, depth + 1, &budget)
                else { return nil }
                entries.append((name, read))
                pair = at + 1
            }
            return .map(entries)
        default: return .map([])
        }
    }
}

/// Finds themes by name: the user's skins first, then the built-in ones.
package struct ThemeStore: Sendable {
    /// Directories of skins, first wins: `$XDG_CONFIG_HOME/kastellan/skins`.
    package var directories: [String]

    package init(directories: [String] = []) { self.directories = directories }

    /// From the environment's variables, looked up by name.
    package init(environment: (String) -> String?) {
        let config =
            environment("KASTELLAN_CONFIG_DIR") ?? environment("XDG_CONFIG_HOME").map { $0 + "/kastellan" }
            ?? environment("HOME").map { $0 + "/.config/kastellan" }
        directories = config.map { [$0 + "/skins"] } ?? []
    }

    package static let standard = "dark"

    /// Names of all there are, sorted.
    package var names: [String] {
        var out = BuiltinThemes.all.map(\.name)
        for directory in directories {
            guard let handle = opendir(directory) else { continue }
            defer { closedir(handle) }
            while let entry = readdir(handle) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name.hasSuffix(".yaml"), !out.contains(String(name.dropLast(5))) { out.append(String(name.dropLast(5))) }
            }
        }
        return out.sorted()
    }

    package func load(_ name: String) throws(SkinFile.Failure) -> Theme {
        let text = try text(of: name)
        let theme = Theme(name: name, skin: try SkinFile.parse(text))
        return theme
    }

    private func text(of name: String) throws(SkinFile.Failure) -> String {
        if !name.utf8.contains(UInt8(ascii: "/")) {
            for directory in directories { if let text = readFile("\(directory)/\(name).yaml") { return text } }
            if let builtin = BuiltinThemes.all.first(where: { $0.name == name }) { return builtin.text }
        }
        guard name.hasSuffix(".yaml") || name.hasSuffix(".yml"), let text = readFile(name) else {
            throw SkinFile.Failure(message: "no theme \(name); there are \(names.joined(separator: ", "))")
        }
        return text
    }

    private func readFile(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count <= SkinFile.bytesMax {
            let count = read(descriptor, &chunk, chunk.count)
            if count <= 0 { break }
            bytes += chunk.prefix(count)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
