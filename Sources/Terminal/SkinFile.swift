import Glibc
import Grid
import Settings

/// Reads a skin's YAML into the tree that `Theme` understands. Anchors and aliases are followed, as k9s skins use them.
package enum SkinFile {
    package struct Failure: Error, Equatable, Sendable { package var message: String }

    static let bytesMax = YAML.bytesMax

    package static func parse(_ text: String) throws(Failure) -> SkinTree {
        do throws(YAML.Failure) {
            return tree(try YAML.parse(text))
        } catch {
            throw Failure(message: "line \(error.line): \(error.message)")
        }
    }

    private static func tree(_ node: YAML) -> SkinTree {
        switch node.value {
        case .text(let text): .text(text)
        case .list(let items): .list(items.map(tree))
        case .map(let entries): .map(entries.map { ($0.key, tree($0.value)) })
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
