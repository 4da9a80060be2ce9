/// A command line as understood: which command, and the values of its flags, checked against their types.
package struct Invocation: Equatable {
    package var command: String
    package var positionals: [String] = []
    /// Values by long flag, in the order given; a flag without a value has one empty text per occurrence.
    private var values: [String: [String]] = [:]
    /// `--help` was among the flags.
    package var wantsHelp = false

    init(command: String) { self.command = command }

    mutating func add(_ flag: String, _ value: String) { values[flag, default: []].append(value) }

    package func isSet(_ flag: String) -> Bool { values[flag] != nil }
    /// The last value given, as is usual for flags that do not repeat.
    package func text(_ flag: String) -> String? { values[flag]?.last }
    package func all(_ flag: String) -> [String] { values[flag] ?? [] }
    package func integer(_ flag: String) -> Int64? { text(flag).flatMap { Int64($0) } }
    package func integers(_ flag: String) -> [Int64] { all(flag).compactMap { Int64($0) } }
    /// `KEY=VALUE` flags, taken apart at the first equals sign.
    package func pairs(_ flag: String) -> [(key: String, value: String)] {
        all(flag).map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
        }
    }
}
