import Grid
import Observatory
import Primitives

/// The schema registry: subjects, their versions, what differs between two, and changes to them.
extension Console {
    mutating func takeSchemas(_ answer: SchemaAnswer) {
        let before = schemas
        schemas.take(answer, at: now.wall)
        if case .subjects(.failure(let failure)) = answer, before.seen.error == nil { say(.error, "Schemas: \(failure.message)") }
        if case .versions(let subject, .failure(let failure)) = answer { say(.error, "\(subject): \(failure.message)") }
        if place.isOfSchemas { rebuild() }
    }

    /// On entering a view of schemas, and when it is read anew.
    mutating func askSchemas() {
        switch place {
        case .schemas: request(.schemas(.subjects))
        case .schema(let subject): request(.schemas(.versions(subject)))
        case .schemaText(let subject, _), .schemaDiff(let subject, _, _):
            if schemas.versions[subject] == nil { request(.schemas(.versions(subject))) }
        default: break
        }
    }

    /// The rows that are on the screen and not known yet, one question at a time.
    mutating func askSchemaDetails() {
        guard place == .schemas, !schemas.isAsking, let table = tables.first else { return }
        let top = view.panels[0].top
        let names = (top..<min(top + visibleRows(panelAreas(layout.body)[0]), table.count)).map { table.row($0).id }
        let wanted = names.filter { schemas.subjects[$0].map { $0.details == nil && $0.problem == nil } ?? false }
        guard !wanted.isEmpty else { return }
        schemas.isAsking = true
        request(.schemas(.details(Array(wanted.prefix(SchemaShelf.detailsMax)))))
    }

    mutating func performSchemas(_ action: Action) -> Bool {
        switch action {
        case .goSchemas: jump(.schemas)
        case .registerSchema: overlay = .form(.registerSchema(subject: schemaSubject ?? "", format: schemaFormat))
        case .editSchema: editSchema()
        case .deleteSchema: deleteSchema()
        case .schemaRule: if let name = schemaSubject { overlay = .form(.schemaRule(name, schemas.subjects[name]?.details)) }
        case .diffSchemas: diffSchemas()
        default: return false
        }
        return true
    }

    /// The subject that a key in this place is about.
    private var schemaSubject: String? {
        switch place {
        case .schemas: selectedRow?.id
        case .schema(let subject), .schemaText(let subject, _), .schemaDiff(let subject, _, _): subject
        default: nil
        }
    }

    private var schemaFormat: String {
        guard let subject = schemaSubject else { return SchemaChange.formats[0] }
        return schemas.versions[subject]?.last?.format ?? schemas.subjects[subject]?.details?.format ?? SchemaChange.formats[0]
    }

    private var selectedSchema: (String, SchemaVersion)? {
        switch place {
        case .schema(let subject):
            guard let number = selectedRow.flatMap({ Int($0.id) }), let version = schemas.version(number, of: subject) else { return nil }
            return (subject, version)
        case .schemaText(let subject, let number): return schemas.version(number, of: subject).map { (subject, $0) }
        default: return nil
        }
    }

    /// In the user's editor; what is changed there is the next version, once its plan is confirmed.
    private mutating func editSchema() {
        guard let (subject, version) = selectedSchema else { return }
        lastTicket += 1
        let text = (version.format == "PROTOBUF" ? version.source : Console.indented(version.source)) + "\n"
        editedSchema = EditedSchema(ticket: lastTicket, text: text, subject: subject, format: version.format)
        request(.edit(ticket: lastTicket, text))
    }

    /// JSON over several lines, its fields in the order they are registered in; what is no JSON comes out as it is enough to be mended.
    static func indented(_ json: String) -> String {
        var out = String.UnicodeScalarView()
        var (depth, isQuoted, isEscaped) = (0, false, false)
        func newLine(_ out: inout String.UnicodeScalarView) { out += ("\n" + String(repeating: "  ", count: max(0, depth))).unicodeScalars }
        var before: Unicode.Scalar = " "
        for scalar in json.unicodeScalars {
            if isQuoted {
                out.append(scalar)
                if isEscaped { isEscaped = false } else if scalar == "\\" { isEscaped = true } else if scalar == "\"" { isQuoted = false }
                continue
            }
            if [" ", "\n", "\r", "\t"].contains(scalar) { continue }
            if scalar == "}" || scalar == "]" {
                depth -= 1
                if before != "{", before != "[" { newLine(&out) }
            } else if before == "{" || before == "[" {
                newLine(&out)
            }
            out.append(scalar)
            switch scalar {
            case "\"": isQuoted = true
            case "{", "[": depth += 1
            case ",": newLine(&out)
            case ":": out.append(" ")
            default: break
            }
            before = scalar
        }
        return String(out)
    }

    /// What came back from the editor; false where it was no schema that went there.
    mutating func takeEditedSchema(_ ticket: Int, _ result: Result<String, ConsoleFailure>) -> Bool {
        guard let edited = editedSchema, edited.ticket == ticket else { return false }
        editedSchema = nil
        switch result {
        case .failure(let failure): say(.error, failure.message)
        case .success(edited.text): say(.info, "Unchanged: nothing to register.")
        case .success(let text):
            if isReadOnly { say(.warning, "Read-only: registering a schema is a change.") } else {
                plan(.schema(.register(subject: edited.subject, format: edited.format, text: text)))
            }
        }
        return true
    }

    private mutating func deleteSchema() {
        if case .schemas = place {
            if let name = selectedRow?.id { plan(.schema(.deleteSubject(name))) }
        } else if let (subject, version) = selectedSchema {
            plan(.schema(.deleteVersion(subject: subject, version: version.number)))
        }
    }

    /// Two versions that are marked, or the selected one and the one before it.
    private mutating func diffSchemas() {
        guard case .schema(let subject) = place, let table = tables.first else { return }
        let marked = table.order.map { table.model.rows[$0].id }.filter { view.panels[0].isMarked($0) }.compactMap { Int($0) }.sorted()
        let numbers = (schemas.versions[subject] ?? []).map(\.number).sorted()
        if marked.count == 2 { return push(.schemaDiff(subject, marked[0], marked[1])) }
        if marked.count > 2 { return say(.info, "Mark two versions, or none: then it is the selected one and the one before.") }
        guard let selected = marked.first ?? selectedRow.flatMap({ Int($0.id) }) else { return }
        guard let before = numbers.last(where: { $0 < selected }) else { return say(.info, "Version \(selected) is the first.") }
        push(.schemaDiff(subject, before, selected))
    }
}

/// A schema that is in the user's editor, as it went there.
struct EditedSchema: Equatable, Sendable {
    var ticket: Int
    var text: String
    var subject: String
    var format: String
}

extension Place {
    var isOfSchemas: Bool {
        switch self {
        case .schemas, .schema, .schemaText, .schemaDiff: true
        default: false
        }
    }
}
