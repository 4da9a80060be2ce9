import Grid
import Observatory
import Primitives

/// The subjects of a registry.
func schemaRows(_ shelf: SchemaShelf) -> TableModel {
    let columns = [
        Column("SUBJECT", min: 16, max: 120, grows: true), Column("TYPE", min: 8, max: 9),
        Column("VERSIONS", right: true, min: 8, priority: 2),
        Column("LATEST", right: true, min: 6), Column("ID", right: true, min: 5, priority: 1),
        Column("COMPATIBILITY", min: 13, max: 20), Column("RULE", min: 4, max: 8, priority: 3),
    ]
    let rows = shelf.subjects.values.map { subject -> TableRow in
        guard let details = subject.details else {
            let word = subject.problem.map { CellValue("✗ " + $0, .failure) } ?? .unknown
            let cells = [CellValue(subject.name), .unknown, .unknown, .unknown, .unknown, word, .unknown]
            return TableRow(subject.name, cells, isFault: subject.problem != nil, target: .schema(subject.name))
        }
        return TableRow(
            subject.name,
            [
                CellValue(subject.name), CellValue(details.format), .count(details.versions), details.latest.map { .count($0) } ?? .unknown,
                details.id.map { .count(Int64($0), .muted) } ?? .unknown,
                CellValue(details.compatibility, details.compatibility == "NONE" ? .warning : .row),
                CellValue(details.hasOwnRule ? "own" : "global", details.hasOwnRule ? .highlight : .muted),
            ],
            isFault: details.compatibility == "NONE", target: .schema(subject.name))
    }
    let empty =
        shelf.hasRegistry
        ? shelf.seen.time == nil ? ["Asking the registry."] : ["No subjects yet.", "", "n  registers the first."]
        : [
            "No schema registry is named for this cluster.", "", "--registry URL names one, or schema.registry.url in the client's file",
            "or in the context.",
        ]
    return TableModel(
        title: "Schemas", subject: "registry", columns: columns, rows: rows, emptyLines: empty, freshness: Freshness(shelf.seen))
}

/// The versions of one subject, the newest first.
func schemaVersionRows(_ shelf: SchemaShelf, subject: String) -> TableModel {
    let columns = [
        Column("VERSION", right: true, min: 7), Column("ID", right: true, min: 5), Column("TYPE", min: 8, max: 9),
        Column("LINES", right: true, min: 5, priority: 2), Column("SINCE THE ONE BEFORE", min: 20, max: 30),
        Column("REFERS TO", min: 9, max: 80, priority: 1, grows: true),
    ]
    let versions = shelf.versions[subject] ?? []
    let rows = versions.indices.map { index -> TableRow in
        let version = versions[index]
        var change = CellValue("the first", .muted, key: .number(0))
        if index > 0 {
            let lines = LineDiff.lines(versions[index - 1].lines, version.lines)
            let (gone, come) = (lines.count { $0.hasPrefix("-") }, lines.count { $0.hasPrefix("+") })
            change = CellValue("+\(come) -\(gone) lines", .row, key: .number(gone + come))
        }
        return TableRow(
            String(version.number),
            [
                .count(version.number), version.id.map { .count(Int64($0), .muted) } ?? .unknown, CellValue(version.format),
                .count(version.lines.count), change,
                version.references.isEmpty ? .unknown : CellValue(version.references.joined(separator: ", "), .muted),
            ],
            target: .schemaText(subject, version.number))
    }
    let seen = shelf.versionsSeen[subject] ?? Observation()
    return TableModel(
        title: "Versions", subject: subject, columns: columns, rows: rows, defaultSort: 0, sortsDescending: true,
        emptyLines: [seen.error ?? (seen.time == nil ? "Asking the registry." : "It has no version any more.")],
        freshness: Freshness(seen))
}

extension Console {
    /// A schema's text.
    func schemaDocument(_ subject: String, _ number: Int) -> [[Span]] {
        guard let version = schemas.version(number, of: subject) else { return [[Span("Asking the registry.", .muted)]] }
        var out: [[Span]] = [
            [
                Span("Subject ", .label), Span(Escape.line(subject), .value), Span("   Version ", .label), Span("\(number)", .value),
                Span("   Id ", .label), Span(version.id.map { "\($0)" } ?? "-", .value), Span("   Type ", .label),
                Span(Escape.line(version.format), .value),
            ]
        ]
        if !version.references.isEmpty {
            out.append([Span("Refers to ", .label), Span(Escape.line(version.references.joined(separator: ", ")), .value)])
        }
        return out + [[]] + version.lines.map { [Span(Escape.line($0), .text)] }
    }

    /// What differs between two versions, line by line; the rest is there too, to see where it is.
    func schemaDiffDocument(_ subject: String, _ from: Int, _ to: Int) -> [[Span]] {
        guard let before = schemas.version(from, of: subject), let after = schemas.version(to, of: subject) else {
            return [[Span("Asking the registry.", .muted)]]
        }
        let lines = LineDiff.lines(before.lines, after.lines)
        let (gone, come) = (lines.count { $0.hasPrefix("-") }, lines.count { $0.hasPrefix("+") })
        let head: [Span] = [
            Span("Subject ", .label), Span(Escape.line(subject), .value), Span("   Version ", .label), Span("\(from) → \(to)", .value),
            Span("   +\(come)", .good), Span(" -\(gone)", .failure),
        ]
        return [head, []]
            + lines.map { line in
                [Span(Escape.line(line), line.hasPrefix("-") ? .failure : line.hasPrefix("+") ? .good : .text)]
            }
    }
}

// Forms for what changes a registry.
extension Form {
    package static func registerSchema(subject: String, format: String) -> Form {
        let choices = SchemaChange.formats
        return Form(
            .registerSchema, title: subject.isEmpty ? "Register a schema" : "Register a schema for \(subject)",
            intro: ["The plan shows what changes, and whether the subject's rule lets it through."],
            fields: [
                FormField("subject", "Subject", text: subject, placeholder: "orders-value"),
                FormField("format", "Type", choices: choices, selected: choices.firstIndex(of: format) ?? 0),
                FormField("file", "File", placeholder: "orders.avsc"), FormField("text", "Or the schema itself"),
            ])
    }

    static let globalRule = "the registry's"

    package static func schemaRule(_ subject: String, _ details: SchemaSubject.Details?) -> Form {
        let choices = [globalRule] + SchemaChange.levels
        let selected = details.flatMap { $0.hasOwnRule ? choices.firstIndex(of: $0.compatibility) : 0 } ?? 0
        return Form(
            .schemaRule(subject), title: "Compatibility of \(subject)", intro: ["What new versions have to be compatible with."],
            fields: [FormField("level", "Rule", choices: choices, selected: selected)])
    }
}

extension FormReader {
    static func schema(_ form: Form, file: String?) throws(ConsoleFailure) -> PlanAction {
        if case .schemaRule(let subject) = form.purpose {
            return .schema(.setCompatibility(subject: subject, level: form["level"] == Form.globalRule ? nil : form["level"]))
        }
        let subject = trimmed(form["subject"])
        if subject.isEmpty { throw ConsoleFailure("A schema needs a subject, such as orders-value.") }
        let text = file ?? form["text"]
        if trimmed(text).isEmpty { throw ConsoleFailure("Name a file that has the schema, or type it.") }
        return .schema(.register(subject: subject, format: form["format"], text: text))
    }
}
