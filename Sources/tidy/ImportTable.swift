/// Who may import what: the arrows of the house (ARCHITECTURE.md). Think before adding one: an arrow is easy to draw and hard to erase.
struct ImportTable {
    struct Row: Equatable {
        var isPure: Bool
        var imports: [String]
    }

    /// `P` marks a pure target: events in, effects out; no system, no clock, no chance. `+` continues the row above.
    static let text = """
        Primitives    P  CChecksum
        Wire          P  Primitives
        Records       P  Primitives
        Storage       P  Records Primitives
        Quorum        P  Primitives
        Controller    P  Wire Records Primitives
        Groups        P  Wire Records Primitives
        Replication   P  Storage Records Primitives
        Broker        P  Primitives Wire Records Storage Quorum Controller Groups Replication
        ClientCore    P  Wire Records Primitives
        Grid          P  Primitives
        Observatory   P  ClientCore Wire Records Primitives
        Console       P  Observatory Grid ClientCore Primitives
        Simulator     P  Broker ClientCore Controller Groups Quorum Replication Storage Records Wire Primitives
        Compression   -  Records Primitives CZlib CZstd CLZ4 CSnappy
        Payloads      -  Primitives CJQ
        Reactor       -  Primitives CLinux COpenSSL
        BrokerServer  -  Broker Reactor Compression Primitives Wire Records Storage Controller Groups
        Client        -  ClientCore Reactor Compression Wire Records Primitives CLinux
        DevCluster    -  BrokerServer Client ClientCore Broker Controller Reactor Wire Records Groups Primitives
        Settings      -  CYAML Primitives
        Terminal      -  Grid Settings CNcurses CLinux Primitives
        History       -  CSQLite Primitives
        Commands      -  History Client DevCluster BrokerServer Console Terminal Settings Observatory ClientCore Grid Reactor
        +             -  Storage Records Compression Wire Controller Payloads Primitives CLinux
        kastellan     -  Commands
        bench         -  Client Reactor Storage Records Wire Primitives CLinux
        simulate      -  Simulator Compression Primitives
        storm         -  Broker Controller Compression Reactor Storage Wire Records Primitives
        fuzz          -  Broker Controller Compression Storage Quorum Wire Records Primitives Payloads Console Grid
        tidy          -
        """

    let rows: [String: Row]

    init(_ text: String = ImportTable.text) {
        var rows: [String: Row] = [:]
        var last = ""
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ").map(String.init)
            guard parts.count >= 2 else { continue }
            if parts[0] == "+" {
                rows[last]?.imports += parts.dropFirst(2)
            } else {
                last = parts[0]
                rows[last] = Row(isPure: parts[1] == "P", imports: Array(parts.dropFirst(2)))
            }
        }
        self.rows = rows
    }

    func isPure(_ target: String) -> Bool { rows[target]?.isPure ?? false }
}

/// Modules of the system and the language that a shell may import besides its arrows.
private let systemModules = ["Glibc", "Synchronization", "Swift"]

/// Every import of a source stands in its target's row; no Foundation anywhere; pure targets import no system.
func importProblems(_ project: Project) -> [Problem] {
    let table = ImportTable()
    var problems: [Problem] = []
    for file in project.swift where file.isSource {
        guard let target = file.target else { continue }
        guard let row = table.rows[target] else {
            problems.append(Problem(path: file.path, line: 0, rule: "imports", text: "target \(target) has no row in ImportTable"))
            continue
        }
        for (index, line) in file.code.enumerated() {
            guard let module = importedModule(line), module != target, !row.imports.contains(module) else { continue }
            if !row.isPure && systemModules.contains(module) { continue }
            problems.append(Problem(path: file.path, line: index + 1, rule: "imports", text: "\(target) may not import \(module)"))
        }
    }
    return problems
}

/// The module that a line imports, or nil where it is no import.
func importedModule(_ line: String) -> String? {
    guard line.utf8.first.map({ $0 != 32 }) ?? false, contains(line, "import") else { return nil }
    let parts = words(line)
    guard let place = parts.firstIndex(of: "import"), parts[..<place].allSatisfy({ importModifiers.contains($0) }) else { return nil }
    let rest = parts[(place + 1)...].drop { ["struct", "class", "enum", "func", "protocol", "typealias", "let", "var"].contains($0) }
    return rest.first
}

private let importModifiers = ["public", "package", "internal", "fileprivate", "private", "preconcurrency", "testable", "_exported"]

/// The dependencies that Package.swift declares are those of the table: nothing more. (SwiftPM itself sees to nothing less.)
func packageProblems(_ project: Project) -> [Problem] {
    guard let package = project.file("Package.swift") else { return [] }
    let table = ImportTable()
    var problems: [Problem] = []
    for declared in declaredTargets(package.text) {
        guard let row = table.rows[declared.name] else {
            let text = "\(declared.name) has no row in ImportTable"
            problems.append(Problem(path: "Package.swift", line: declared.line, rule: "package", text: text))
            continue
        }
        for name in declared.dependencies where !row.imports.contains(name) {
            let text = "\(declared.name) depends on \(name), which its row in ImportTable does not name"
            problems.append(Problem(path: "Package.swift", line: declared.line, rule: "package", text: text))
        }
    }
    return problems
}

struct DeclaredTarget: Equatable {
    var name: String
    var dependencies: [String]
    var line: Int
}

/// The `library("Name", ["Dependency", …])` and `program(…)` rows of Package.swift, which may be broken over lines.
func declaredTargets(_ text: String) -> [DeclaredTarget] {
    var found: [DeclaredTarget] = []
    var open: (names: [String], line: Int)?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        let line = String(line)
        let begins = contains(line, "library(", wholeWord: false) || contains(line, "program(", wholeWord: false)
        if open == nil, begins, !line.contains("func "), !line.contains(".library(") { open = ([], index + 1) }
        guard var current = open else { continue }
        current.names += stringLiterals(line)
        open = current
        if line.contains("]") {
            if let name = current.names.first {
                found.append(DeclaredTarget(name: name, dependencies: Array(current.names.dropFirst()), line: current.line))
            }
            open = nil
        }
    }
    return found
}
