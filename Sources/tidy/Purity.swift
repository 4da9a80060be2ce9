/// The pure targets are functions of their inputs: the same events give the same effects in every process, on every machine.

private let impureWords: [(word: String, why: String)] = [
    ("Foundation", "Foundation"), ("Glibc", "the C library"), ("Dispatch", "Dispatch"),
    ("ContinuousClock", "a clock"), ("SuspendingClock", "a clock"), ("clock_gettime", "a clock"), ("Date", "a clock"),
    ("SystemRandomNumberGenerator", "unseeded chance"), ("Task", "concurrency"), ("async", "concurrency"), ("await", "concurrency"),
    ("actor", "concurrency"), ("Mutex", "a lock"), ("Atomic", "an atomic"), ("getenv", "the environment"),
    ("ProcessInfo", "the environment"),
    ("CommandLine.arguments", "the environment"),
    ("print", "printing"), ("debugPrint", "printing"), ("hashValue", "the process's hash seed"),
    ("ObjectIdentifier", "memory addresses"),
]

/// No clock, chance, concurrency, environment or shared mutable state in a pure target.
func purityProblems(_ file: SourceFile) -> [Problem] {
    guard file.isSource, let target = file.target, ImportTable().isPure(target) else { return [] }
    var problems: [Problem] = []
    func note(_ line: Int, _ text: String) {
        problems.append(Problem(path: file.path, line: line + 1, rule: "purity", text: text))
    }
    var depth = Depth()
    for (index, line) in file.code.enumerated() {
        for (word, why) in impureWords where isUse(of: word, in: line) { note(index, "\(word) (\(why)) in pure \(target)") }
        for call in [".random(in:", ".randomElement()", ".shuffled()", ".shuffle()"] where contains(line, call, wholeWord: false) {
            if !line.contains("using:") { note(index, "\(call) without the seeded generator in pure \(target)") }
        }
        if isStoredGlobal(line, atTop: depth.isTop) { note(index, "global var in pure \(target)") }
        depth.read(line)
    }
    return problems
}

/// Whether `word` stands in `line` as itself: not as a member (`.await`), an argument label or a case of ours.
private func isUse(of word: String, in line: String) -> Bool {
    let bytes = Array(line.utf8)
    return positions(of: word, in: line).contains { start in
        let before = start > 0 ? bytes[start - 1] : 32
        let after = start + word.utf8.count < bytes.count ? bytes[start + word.utf8.count] : 32
        if before == UInt8(ascii: ".") || after == UInt8(ascii: ":") { return false }
        if word == "print" || word == "debugPrint" { return after == UInt8(ascii: "(") && !line.contains("func ") }
        return true
    }
}

/// `var x = 1` at the top of a file, or `static var x = 1` anywhere: state that all callers share. Computed ones are fine.
private func isStoredGlobal(_ line: String, atTop: Bool) -> Bool {
    let parts = words(line)
    guard let place = parts.firstIndex(of: "var"), !line.contains("{") else { return false }
    let modifiers = parts[..<place]
    let known = ["static", "private", "package", "public", "internal", "fileprivate", "nonisolated", "unsafe"]
    guard modifiers.allSatisfy({ known.contains($0) }) else { return false }
    return atTop || (modifiers.contains("static") && line.contains("="))
}

/// How deep in braces a line of masked code stands.
struct Depth {
    private(set) var braces = 0
    var isTop: Bool { braces == 0 }

    mutating func read(_ line: String) {
        for byte in line.utf8 {
            if byte == UInt8(ascii: "{") { braces += 1 }
            if byte == UInt8(ascii: "}") { braces -= 1 }
        }
    }
}

/// Calls on an unordered collection whose outcome depends on its order.
private let orderedCalls = [
    "map", "flatMap", "compactMap", "forEach", "first", "reduce", "popFirst", "keys", "values", "makeIterator", "enumerated",
    "randomElement", "joined", "prefix", "dropFirst", "removeFirst", "filter",
]
/// What makes the order not matter, on the same line.
private let orderFree = [".sorted", ".count", ".contains", ".isEmpty", ".allSatisfy", "OrderedMap(", "Set(", "-> Set<", ".max()", ".min()"]

/// No iteration over a `Dictionary` or `Set` in a pure target, as far as the text of one file shows: their order differs between
/// processes. A line where the order cannot matter says so with `// order-free: why`.
func iterationProblems(_ file: SourceFile) -> [Problem] {
    guard file.isSource, let target = file.target, ImportTable().isPure(target) else { return [] }
    let names = unorderedNames(file.code)
    guard !names.isEmpty else { return [] }
    let excused = file.comments.filter { $0.text.hasPrefix("order-free:") }.flatMap { [$0.line, $0.line + 1] }
    var problems: [Problem] = []
    for (index, line) in file.code.enumerated() where !excused.contains(index) {
        for name in names where iterates(line, name) {
            let text = "iterates `\(name)`, a Dictionary or Set, in pure \(target)"
            problems.append(Problem(path: file.path, line: index + 1, rule: "iteration", text: text))
            break
        }
    }
    return problems
}

/// The names that a file declares as dictionaries or sets: `name: [K: V]`, `name: Set<…>`, `name = Set(…)`, `name = [K: V]()`.
func unorderedNames(_ code: [String]) -> [String] {
    var names: [String] = []
    for line in code {
        let parts = words(line)
        guard contains(line, "let") || contains(line, "var"), let place = parts.firstIndex(where: { $0 == "let" || $0 == "var" }),
            place + 1 < parts.count
        else { continue }
        let name = parts[place + 1]
        guard let start = positions(of: name, in: line).first else { continue }
        let rest = String(decoding: Array(line.utf8)[(start + name.utf8.count)...], as: UTF8.self)
        if isUnordered(rest), !names.contains(name) { names.append(name) }
    }
    return names
}

private func isUnordered(_ rest: String) -> Bool {
    let rest = trimmed(rest)
    let openings = [": Set<", "= Set(", "= Set<", ": Dictionary<", "= Dictionary(", "= Dictionary<"]
    if openings.contains(where: { rest.hasPrefix($0) }) { return true }
    guard rest.hasPrefix(": [") || (rest.hasPrefix("= [") && rest.contains("]()")) else { return false }
    // A colon at the first level of the brackets makes it a dictionary.
    var level = 0
    for byte in rest.utf8.dropFirst(2) {
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "("), UInt8(ascii: "<"): level += 1
        case UInt8(ascii: "]"), UInt8(ascii: ")"), UInt8(ascii: ">"): level -= 1
        case UInt8(ascii: ":"): if level == 1 { return true }
        default: break
        }
        if level == 0 { return false }
    }
    return false
}

private func iterates(_ line: String, _ name: String) -> Bool {
    guard contains(line, name) else { return false }
    if orderFree.contains(where: { line.contains($0) }) { return false }
    let bytes = Array(line.utf8)
    for start in positions(of: name, in: line) {
        // A member of something else that happens to have the same name tells us nothing, unless it is self's.
        let before = String(decoding: bytes[..<start], as: UTF8.self)
        if before.hasSuffix("."), !before.hasSuffix("self.") { continue }
        let after = String(decoding: bytes[(start + name.utf8.count)...], as: UTF8.self)
        if trimmed(before).hasSuffix(" in"), contains(before, "for"), after.hasPrefix(" {") || after.hasPrefix(" where") { return true }
        for call in orderedCalls where after.hasPrefix(".\(call)") {
            let next = after.utf8.dropFirst(call.utf8.count + 1).first
            if !(next.map(isWordByte) ?? false) { return true }
        }
    }
    return false
}
