import Observatory
import Primitives

/// A connector's config as a text for people: a properties file, as Connect's own workers in standalone mode read it.
enum ConnectorText {
    static func write(_ config: [ConfigValue]) -> String {
        var out = "# key=value, a line each. \(ConnectSecrets.mask) leaves what is there; a line that is gone takes its key away.\n"
        for value in config {
            out += escaped(value.name, isKey: true) + "=" + escaped(ConnectSecrets.shown(value.name, value.value), isKey: false) + "\n"
        }
        return out
    }

    private static func escaped(_ text: String, isKey: Bool) -> String {
        var out = String.UnicodeScalarView()
        var isFirst = true
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\".unicodeScalars
            case "\n": out += "\\n".unicodeScalars
            case "\r": out += "\\r".unicodeScalars
            case "\t": out += "\\t".unicodeScalars
            case "=" where isKey, ":" where isKey, " " where isKey || isFirst, "#" where isKey && isFirst, "!" where isKey && isFirst:
                out += "\\".unicodeScalars
                out.append(scalar)
            default: out.append(scalar)
            }
            isFirst = false
        }
        return String(out)
    }

    /// Sorted by key. Masks are what they stand for in `before`.
    static func read(_ text: String, before: ConnectorSnapshot? = nil) throws(ConsoleFailure) -> [ConfigValue] {
        let entries: [JavaProperties.Entry]
        do throws(JavaProperties.BadEscape) { entries = try JavaProperties.parse(text) } catch {
            throw ConsoleFailure("Line \(error.line): \\u wants four hexadecimal digits.")
        }
        var values = OrderedMap<String, String>()
        for entry in entries {
            if entry.key.hasPrefix("{") { throw ConsoleFailure("It is to be key=value lines; JSON is for kastellan connect create.") }
            if values[entry.key] != nil { throw ConsoleFailure("Line \(entry.line): \(entry.key) stands there twice.") }
            guard entry.value == ConnectSecrets.mask else {
                values[entry.key] = entry.value
                continue
            }
            guard let known = before?.value(entry.key) else {
                throw ConsoleFailure("Line \(entry.line): \(entry.key) is \(ConnectSecrets.mask), and nothing is there yet.")
            }
            values[entry.key] = known
        }
        if values.isEmpty { throw ConsoleFailure("An empty config is none.") }
        return values.map { ConfigValue($0.key, $0.value) }
    }
}

// What makes a new one.
extension Form {
    package static func newConnector(clusters: [String]) -> Form {
        Form(
            .newConnector, title: "Create a connector",
            intro: ["The file has its config, key=value lines. The plan shows it, and what the plugin says against it."],
            fields: [
                FormField("cluster", "Connect", choices: clusters), FormField("name", "Name", placeholder: "as the file has it"),
                FormField("file", "File", placeholder: "sink.properties"),
            ])
    }
}

extension FormReader {
    static func connector(_ form: Form, file: String?) throws(ConsoleFailure) -> PlanAction {
        if form["cluster"].isEmpty { throw ConsoleFailure("Connect has not answered yet.") }
        guard let file else { throw ConsoleFailure("Name the file that has its config.") }
        var config = try ConnectorText.read(file)
        let name = trimmed(form["name"]).isEmpty ? config.first { $0.name == "name" }?.value ?? "" : trimmed(form["name"])
        if name.isEmpty { throw ConsoleFailure("A connector needs a name.") }
        config.removeAll { $0.name == "name" }
        return .connect(.create(ConnectorName(form["cluster"], name), config))
    }
}
