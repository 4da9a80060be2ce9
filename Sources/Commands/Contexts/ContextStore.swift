import Glibc
import Primitives
import Reactor
import Settings

/// The contexts there are: the program's own files, and those of other programs, read where they stand.
///
/// Own ones: `contexts.yaml` (many, by name), `contexts/NAME.yaml` and `contexts/NAME.properties` (one each) in the configuration's
/// directory. Others are called `kaf/NAME`, `kafkactl/NAME`, `rpk/NAME`, `kcat/default`.
struct ContextStore {
    private(set) var contexts: [ContextSpec] = []
    /// Files that cannot be read or understood, each with why; the others count all the same.
    private(set) var problems: [String] = []

    init() {
        readMany()
        readFolder()
        for program in OtherProgram.allCases { read(program) }
    }

    func named(_ name: String) throws(Failure) -> ContextSpec {
        let found = contexts.filter { $0.name == name }
        if found.count > 1 {
            throw Failure(.usage, "context \(name) is there twice: \(found.map(\.origin.description).joined(separator: " and "))")
        }
        if let context = found.first { return context }
        if let problem = problems.first { throw Failure(.usage, "there is no context \"\(visible(name))\"; \(problem)") }
        let near = nearest(name, among: contexts.map(\.name)).map { "; did you mean \"\($0)\"?" }
        throw Failure(.usage, "there is no context \"\(visible(name))\"\(near ?? "; `kastellan contexts list` shows those there are")")
    }

    // MARK: Files

    private mutating func readMany() {
        guard let text = readText(Paths.contextsFile) else { return }
        take(Paths.contextsFile) { () throws(YAML.Failure) in try ContextFile.parseMany(text, path: Paths.contextsFile) }
    }

    private mutating func readFolder() {
        for file in fileNames(in: Paths.contextsFolder) {
            let path = "\(Paths.contextsFolder)/\(file)"
            guard let dot = file.lastIndex(of: "."), ContextSpec.isName(String(file[..<dot])) else { continue }
            let name = String(file[..<dot])
            switch file[dot...] {
            case ".yaml", ".yml":
                guard let text = readText(path) else {
                    problems.append("\(path): \(systemMessage(errno))")
                    continue
                }
                take(path) { () throws(YAML.Failure) in [try ContextFile.parseOne(text, name: name, path: path)] }
            case ".properties", ".conf":
                var context = ContextSpec(name: name, origin: SettingOrigin(path))
                context.propertiesFile = Setting(path, SettingOrigin(path))
                contexts.append(context)
            default: continue
            }
        }
    }

    private mutating func read(_ program: OtherProgram) {
        for path in program.paths(environment) {
            guard let text = readText(path) else { continue }
            take(path) { () throws(YAML.Failure) in
                try program.contexts(text, path: path).map { context in
                    var context = context
                    context.name = "\(program.rawValue)/\(context.name)"
                    return context
                }
            }
            return
        }
    }

    private mutating func take(_ path: String, _ parse: () throws(YAML.Failure) -> [ContextSpec]) {
        do throws(YAML.Failure) {
            contexts += try parse()
        } catch {
            problems.append("\(path): line \(error.line): \(error.message)")
        }
    }

    private func fileNames(in folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.sorted()
    }

    // MARK: The current one

    /// The name that `contexts use` wrote down; nil where none was.
    static var saved: String? {
        readText(Paths.currentContext)?.split(separator: "\n").first.map(String.init)
    }

    static func save(_ name: String?) throws(Failure) {
        guard let name else {
            if unlink(Paths.currentContext) != 0, errno != ENOENT {
                throw Failure(.error, "\(Paths.currentContext): \(systemMessage(errno))")
            }
            return
        }
        try NewFile.replace(Paths.currentContext, name + "\n")
    }
}

/// Files of the program's own, for nobody else's eyes.
enum NewFile {
    /// Makes a file that is not there yet.
    static func create(_ path: String, _ text: String) throws(Failure) {
        try makeFolders(path)
        try write(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600), path, text)
    }

    /// Writes beside it and moves it there, so that it is the old or the new one, never half.
    static func replace(_ path: String, _ text: String) throws(Failure) {
        try makeFolders(path)
        let draft = "\(path).\(getpid()).new"
        try write(open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600), draft, text)
        guard rename(draft, path) == 0 else { throw Failure(.error, "\(path): \(systemMessage(errno))") }
    }

    /// Adds a line at the end, in one write.
    static func append(_ path: String, _ line: String) throws(Failure) {
        try makeFolders(path)
        try write(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600), path, line + "\n")
    }

    private static func write(_ descriptor: Int32, _ path: String, _ text: String) throws(Failure) {
        guard descriptor >= 0 else { throw Failure(.error, "\(path): \(systemMessage(errno))") }
        defer { close(descriptor) }
        guard Streams.write(Array(text.utf8), to: descriptor) else { throw Failure(.error, "\(path): \(systemMessage(errno))") }
    }

    static func makeFolders(_ path: String) throws(Failure) {
        var at = path.startIndex
        while let slash = path[at...].dropFirst().firstIndex(of: "/") {
            if mkdir(String(path[..<slash]), 0o700) != 0, errno != EEXIST {
                throw Failure(.error, "\(path[..<slash]): \(systemMessage(errno))")
            }
            at = slash
        }
    }
}
