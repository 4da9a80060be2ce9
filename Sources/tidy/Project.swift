import Glibc

/// The files of a project as the rules see them, in order of their paths.
struct Project {
    /// Every file that is text and ours: path from the root, and its bytes.
    var files: [TextFile]
    /// The Swift files among them, with comments and strings told apart from code.
    var swift: [SourceFile]

    init(files: [TextFile]) {
        self.files = files.sorted { $0.path < $1.path }
        swift = self.files.filter { $0.path.hasSuffix(".swift") }.map { SourceFile($0) }
    }

    /// Reads the project at `root`, or nil where that is no package.
    init?(root: String) {
        guard let package = readFile("\(root)/Package.swift") else { return nil }
        var files = [TextFile(path: "Package.swift", bytes: package)]
        for name in listFolder(root) where !name.hasPrefix(".") {
            let path = "\(root)/\(name)"
            if ["Sources", "Tests", "man", "themes"].contains(name) {
                collect(folder: path, as: name, into: &files)
            } else if name.hasSuffix(".md") || name == "Makefile" {
                if let bytes = readFile(path) { files.append(TextFile(path: name, bytes: bytes)) }
            }
        }
        self.init(files: files)
    }

    func file(_ path: String) -> TextFile? { files.first { $0.path == path } }
}

/// A file's path from the project's root, and its bytes.
struct TextFile {
    var path: String
    var bytes: [UInt8]
    var text: String { String(decoding: bytes, as: UTF8.self) }
}

private let textSuffixes = [".swift", ".h", ".c", ".py", ".md", ".1", ".yaml", ".yml", ".txt"]

/// Gathers the text files below `folder`. Fixtures are other people's bytes and bear no rules of ours.
private func collect(folder: String, as name: String, into files: inout [TextFile]) {
    for entry in listFolder(folder) where !entry.hasPrefix(".") && entry != "Fixtures" && entry != "__pycache__" {
        let path = "\(folder)/\(entry)"
        if isFolder(path) {
            collect(folder: path, as: "\(name)/\(entry)", into: &files)
        } else if textSuffixes.contains(where: { entry.hasSuffix($0) }), let bytes = readFile(path) {
            files.append(TextFile(path: "\(name)/\(entry)", bytes: bytes))
        }
    }
}

func listFolder(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
}

func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

func readFile(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&chunk, 1, chunk.count, file)
        if count == 0 { return bytes }
        bytes += chunk[0..<count]
    }
}
