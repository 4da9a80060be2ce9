import Grid
import Observatory
import Primitives

/// A program of the user's own behind a key: it gets what is selected as variables of its environment and, where its words say `${name}`,
/// as arguments. No shell looks at any of it.
package struct ExternalCommand: Equatable, Sendable {
    package var key: Key
    package var name: String
    /// Views in which the key holds.
    package var contexts: [KeyContext]
    package var words: [String]
    /// Asks first.
    package var confirms: Bool
    /// Runs beside the console instead of on its terminal.
    package var isDetached: Bool
    package var origin: String

    package init(
        key: Key, name: String, contexts: [KeyContext], words: [String], confirms: Bool, isDetached: Bool, origin: String
    ) {
        (self.key, self.name, self.contexts, self.words) = (key, name, contexts, words)
        (self.confirms, self.isDetached, self.origin) = (confirms, isDetached, origin)
    }
}

/// A program to be run, with nothing left to fill in.
package struct ExternalRun: Equatable, Sendable {
    package var name: String
    package var words: [String]
    package var environment: [Variable]
    package var isDetached: Bool

    package struct Variable: Equatable, Sendable {
        package var name: String
        package var value: String
        package init(name: String, value: String) { (self.name, self.value) = (name, value) }
    }
}

extension Console {
    typealias Field = (name: String, value: String)

    /// The command that a key means here; the table's own keys come first, and a file in which both would hold was refused.
    func external(_ key: Key) -> ExternalCommand? {
        let contexts = place.contexts
        return options.commands.first { command in command.key == key && command.contexts.contains { contexts.contains($0) } }
    }

    /// What is selected, by name: `topic`, `partition`, `group`, `broker`, `context`, `bootstrap`, `view`, `row`, and the row's
    /// `column.TITLE`; of a message also `offset` and `timestamp`.
    func externalFields() -> [Field] {
        var fields: [Field] = [
            ("context", options.contextName), ("bootstrap", options.bootstrap.joined(separator: ",")), ("view", place.crumb),
        ]
        if let topic = selectedTopic ?? selectedPartition?.topic { fields.append(("topic", topic)) }
        if let partition = selectedPartition { fields.append(("partition", String(partition.partition))) }
        if let group = selectedGroup { fields.append(("group", group)) }
        if let broker = selectedBroker { fields.append(("broker", broker.description)) }
        if place.isAboutMessages, let message = linkedMessage {
            fields.removeAll { $0.name == "topic" || $0.name == "partition" }
            fields += [
                ("topic", message.partition.topic), ("partition", "\(message.partition.partition)"), ("offset", "\(message.offset)"),
                ("timestamp", "\(message.timestamp)"),
            ]
        }
        guard let row = selectedRow, view.panel < tables.count else { return fields }
        fields.append(("row", row.id))
        for (column, cell) in zip(tables[view.panel].model.columns, row.cells) where !column.title.isEmpty {
            let title = String(column.title.lowercased().map { $0 == " " || $0 == "/" ? "-" : $0 })
            fields.append(("column." + title, cell.text))
        }
        return fields
    }

    mutating func start(_ command: ExternalCommand) {
        let fields = externalFields()
        var words: [String] = []
        for word in command.words {
            switch Console.filled(word, fields) {
            case .success(let text): words.append(text)
            case .failure(let failure): return say(.warning, "\(command.name): \(failure.message)")
            }
        }
        let variables = fields.map { ExternalRun.Variable(name: "KASTELLAN_" + Console.variable($0.name), value: $0.value) }
        let run = ExternalRun(name: command.name, words: words, environment: variables, isDetached: command.isDetached)
        if command.confirms { overlay = .confirmRun(run) } else { request(.external(run)) }
    }

    /// `${name}` replaced; what nothing is selected for is an error, not an empty word.
    static func filled(_ word: String, _ fields: [Field]) -> Result<String, ConsoleFailure> {
        var out = ""
        var rest = Substring(word)
        while let dollar = rest.firstIndex(of: "$") {
            out += rest[..<dollar]
            rest = rest[dollar...]
            guard rest.hasPrefix("${"), let end = rest.firstIndex(of: "}") else {
                out.append(rest.removeFirst())
                continue
            }
            let name = String(rest.dropFirst(2).prefix { $0 != "}" })
            guard let field = fields.first(where: { $0.name == name }) else {
                return .failure(ConsoleFailure("there is no \(Escape.line(name)) here."))
            }
            out += field.value
            rest = rest[rest.index(after: end)...]
        }
        return .success(out + rest)
    }

    private static func variable(_ name: String) -> String {
        let bytes = name.uppercased().utf8.map { (0x41...0x5a).contains($0) || (0x30...0x39).contains($0) ? $0 : 0x5f }
        return String(decoding: bytes, as: UTF8.self)
    }
}
