import Primitives

/// Where a setting was written.
package struct SettingOrigin: Equatable, Sendable, CustomStringConvertible {
    package var path: String
    /// Counted from 1; 0 where the file as a whole is meant.
    package var line: Int

    package init(_ path: String, _ line: Int = 0) { (self.path, self.line) = (path, line) }

    package var description: String { line > 0 ? "\(path):\(line)" : path }
}

/// A value and where it was written. Values may name secrets (`SecretText`); they are not looked up here.
package struct Setting: Equatable, Sendable {
    package var value: String
    package var origin: SettingOrigin

    package init(_ value: String, _ origin: SettingOrigin) { (self.value, self.origin) = (value, origin) }
}

/// A cluster by name: how to connect, in Kafka's own keys, and how careful to be.
package struct ContextSpec: Equatable, Sendable {
    /// `prod`; `kaf/prod` where it is read in place from another program's configuration.
    package var name: String
    package var origin: SettingOrigin
    /// A colour as themes name it.
    package var color: Setting?
    package var isReadOnly = false
    /// Whether the console may keep a history of it.
    package var keepsHistory = true
    /// Where it says that masks are not to be taken away; nil: it does not.
    package var requiresMasks: SettingOrigin?
    /// Who has to agree to a change of it; nil: nobody.
    package var approval: ApprovalRule?
    /// A client.properties file that holds the rest, as it is.
    package var propertiesFile: Setting?
    package var settings = OrderedMap<String, Setting>()
    /// What the other program's configuration says and this one cannot; sentences.
    package var notes: [String] = []

    package init(name: String, origin: SettingOrigin) { (self.name, self.origin) = (name, origin) }

    package mutating func set(_ key: String, _ value: String?, _ line: Int) {
        guard let value, !value.isEmpty else { return }
        settings[key] = Setting(value, SettingOrigin(origin.path, line))
    }

    /// Names that can be file names and words of a command line.
    package static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 100 && !name.hasPrefix("-") && !name.hasPrefix(".")
            && name.utf8.allSatisfy { ContextSpec.isLetter($0) || [0x2e, 0x5f, 0x2d].contains($0) }
    }

    /// `name` with a dash for every character that a name may not have.
    package static func nameLike(_ name: String) -> String {
        var out = String(
            decoding: name.utf8.prefix(100).map { isLetter($0) || [0x2e, 0x5f, 0x2d].contains($0) ? $0 : 0x2d }, as: UTF8.self)
        while let first = out.first, first == "-" || first == "." { out.removeFirst() }
        return out.isEmpty ? "imported" : out
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }
}

/// The program's own files of contexts.
///
///     # contexts.yaml                            # contexts/prod.yaml: the same without its name
///     contexts:
///       prod:
///         color: red
///         read-only: true
///         history: false
///         masks: required
///         approval:                              # changes are plans that others sign
///           signers: allowed_signers             # OpenSSH's file of that name; relative to this one
///           count: 2                             # how many, besides who made the plan; 1 otherwise
///           as: alice@example.com                # who makes plans here, as that file says; the user's name otherwise
///         properties-file: prod.properties       # relative to this file
///         properties:
///           sasl.password: ${env:PROD_PASSWORD}
package enum ContextFile {
    private static let keys = ["color", "read-only", "history", "masks", "approval", "properties-file", "properties"]

    /// `contexts.yaml`: many, by name.
    package static func parseMany(_ text: String, path: String) throws(YAML.Failure) -> [ContextSpec] {
        var found: [ContextSpec] = []
        for entry in try YAML.parse(text).entries(of: "the file", only: ["contexts"]) {
            for named in try entry.value.entries(of: "contexts") {
                guard ContextSpec.isName(named.key) else {
                    throw YAML.Failure(line: named.line, "a context's name is of letters, digits, '.', '_' and '-'")
                }
                found.append(try context(named.value, name: named.key, origin: SettingOrigin(path, named.line)))
            }
        }
        return found
    }

    /// `contexts/NAME.yaml`.
    package static func parseOne(_ text: String, name: String, path: String) throws(YAML.Failure) -> ContextSpec {
        try context(YAML.parse(text), name: name, origin: SettingOrigin(path))
    }

    private static func context(_ node: YAML, name: String, origin: SettingOrigin) throws(YAML.Failure) -> ContextSpec {
        var spec = ContextSpec(name: name, origin: origin)
        for entry in try node.entries(of: "a context", only: keys) {
            let at = SettingOrigin(origin.path, entry.line)
            switch entry.key {
            case "color": spec.color = Setting(try entry.value.wantedText("color"), at)
            case "read-only": spec.isReadOnly = try entry.value.wantedBool("read-only")
            case "history": spec.keepsHistory = try entry.value.wantedBool("history")
            case "masks":
                let word = try entry.value.wantedText("masks")
                guard word == "required" || word == "optional" else {
                    throw YAML.Failure(line: entry.line, "masks is to be required or optional")
                }
                if word == "required" { spec.requiresMasks = at }
            case "approval": spec.approval = try approval(entry.value, at)
            case "properties-file": spec.propertiesFile = Setting(try entry.value.wantedText("properties-file"), at)
            default:
                for property in try entry.value.entries(of: "properties") {
                    let value: String
                    if property.key == "bootstrap.servers" || property.key == "metadata.broker.list", let list = property.value.texts {
                        value = list.joined(separator: ",")
                    } else {
                        value = property.value.isNull ? "" : try property.value.wantedText(property.key)
                    }
                    spec.settings[property.key] = Setting(value, SettingOrigin(origin.path, property.line))
                }
            }
        }
        return spec
    }

    private static func approval(_ node: YAML, _ origin: SettingOrigin) throws(YAML.Failure) -> ApprovalRule {
        var rule = ApprovalRule(signers: "", origin: origin)
        for entry in try node.entries(of: "approval", only: ["signers", "count", "as"]) {
            switch entry.key {
            case "signers": rule.signers = try entry.value.wantedText("signers")
            case "as": rule.maker = try entry.value.wantedText("as")
            default:
                guard let count = entry.value.text.flatMap({ Int($0) }), (1...20).contains(count) else {
                    throw YAML.Failure(line: entry.line, "count is to be a number from 1 to 20")
                }
                rule.count = count
            }
        }
        guard !rule.signers.isEmpty else { throw YAML.Failure(line: origin.line, "approval wants signers, a file") }
        return rule
    }

    /// A context as a file of its own, for `contexts import`.
    package static func text(of spec: ContextSpec, imported from: String) -> String {
        var out = "# Imported from \(from).\n"
        for note in spec.notes { out += "# \(note)\n" }
        if spec.isReadOnly { out += "read-only: true\n" }
        out += spec.settings.isEmpty ? "properties: {}\n" : "properties:\n"
        for (key, setting) in spec.settings { out += "  \(quoted(key)): \(quoted(setting.value))\n" }
        return out
    }

    /// In double quotes, with what YAML would take for something else escaped.
    package static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            default:
                if scalar.value < 0x20 || (0x7f...0xa0).contains(scalar.value) {
                    let digits = String(scalar.value, radix: 16)
                    out += "\\x" + (digits.count < 2 ? "0" : "") + digits
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}
