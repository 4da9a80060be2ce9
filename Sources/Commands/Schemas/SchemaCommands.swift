import Glibc
import Observatory
import Payloads
import Primitives
import Reactor
import Settings

/// `kastellan schemas …`: what a schema registry holds.
enum SchemaCommands {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        guard let registry = try SchemaAccess.registry(invocation) else {
            throw .usage("no schema registry is named; give --registry, or schema.registry.url in the client's file")
        }
        if ["schemas register", "schemas delete", "schemas compatibility"].contains(invocation.command) {
            return try change(registry, invocation)
        }
        do throws(SchemaFailure) {
            switch invocation.command {
            case "schemas list": try list(registry, invocation)
            case "schemas show": try show(registry, invocation)
            default: try diff(registry, invocation)
            }
        } catch {
            throw Failure(.error, error.message)
        }
        return .ok
    }

    /// `get schemas [SUBJECT]`: the subjects, or the versions of one.
    static func get(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        guard let registry = try SchemaAccess.registry(invocation) else {
            throw .usage("no schema registry is named; give --registry, or schema.registry.url in the client's file")
        }
        do throws(SchemaFailure) {
            if invocation.positionals.count > 1 {
                try versions(registry, of: invocation.positionals[1], invocation)
            } else {
                try list(registry, invocation)
            }
        } catch {
            throw Failure(.error, error.message)
        }
        return .ok
    }

    private static func versions(_ registry: SchemaRegistry, of subject: String, _ invocation: Invocation) throws(SchemaFailure) {
        var listing = Listing([
            .init("SUBJECT", "subject"), .init("VERSION", "version", right: true), .init("ID", "id", right: true), .init("TYPE", "type"),
            .init("LINES", "lines", right: true), .init("REFERS-TO", "references"),
        ])
        for version in try registry.versions(of: subject).sorted() {
            let entry = try registry.version(version, of: subject).entry
            listing.add([
                .string(subject), .number(Int64(version)), entry.id.map { .number(Int64($0)) } ?? .null, .string(entry.format.rawValue),
                .number(Int64(lines(entry).count)), .array(entry.references.map { .string("\($0.subject) \($0.version)") }),
            ])
        }
        Streams.print(listing.text(OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table))
    }

    private static func list(_ registry: SchemaRegistry, _ invocation: Invocation) throws(SchemaFailure) {
        var listing = Listing([
            .init("SUBJECT", "subject"), .init("TYPE", "type"), .init("VERSIONS", "versions"), .init("LATEST", "latest"), .init("ID", "id"),
            .init("COMPATIBILITY", "compatibility"), .init("OWN RULE", "ownRule"),
        ])
        for subject in try registry.subjects() {
            let versions = try registry.versions(of: subject)
            let latest = try versions.max().map { (version) throws(SchemaFailure) in try registry.version(version, of: subject) }
            let rule = try registry.compatibility(of: subject)
            listing.add([
                .string(subject), latest.map { .string($0.entry.format.rawValue) } ?? .null, .number(Int64(versions.count)),
                latest.map { .number(Int64($0.version)) } ?? .null, (latest?.entry.id).map { .number(Int64($0)) } ?? .null,
                .string(rule.level),
                .bool(rule.isOwn),
            ])
        }
        Streams.print(listing.text(OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table))
    }

    private static func show(_ registry: SchemaRegistry, _ invocation: Invocation) throws(SchemaFailure) {
        let subject = invocation.positionals[0]
        let versions = try registry.versions(of: subject)
        let wanted = invocation.integer("--version").map { Int($0) } ?? versions.max() ?? 0
        guard versions.contains(wanted) else {
            throw SchemaFailure("\(subject) has no version \(wanted); it has \(versions.map { "\($0)" }.joined(separator: ", "))")
        }
        for line in lines(try registry.version(wanted, of: subject).entry) { Streams.print(visible(line) + "\n") }
    }

    private static func diff(_ registry: SchemaRegistry, _ invocation: Invocation) throws(SchemaFailure) {
        let subject = invocation.positionals[0]
        let versions = try registry.versions(of: subject).sorted()
        let to = invocation.integer("--to").map { Int($0) } ?? versions.last ?? 0
        let from = invocation.integer("--from").map { Int($0) } ?? versions.last { $0 < to } ?? 0
        for version in [from, to] where !versions.contains(version) {
            throw SchemaFailure("\(subject) has no version \(version); it has \(versions.map { "\($0)" }.joined(separator: ", "))")
        }
        let before = lines(try registry.version(from, of: subject).entry)
        let after = lines(try registry.version(to, of: subject).entry)
        Streams.print("--- \(visible(subject)) version \(from)\n+++ \(visible(subject)) version \(to)\n")
        for line in LineDiff.lines(before, after) { Streams.print(visible(line) + "\n") }
    }

    // MARK: Changes

    private static func change(_ registry: SchemaRegistry, _ invocation: Invocation) throws(Failure) -> ExitStatus {
        let planner = SchemaPlanner(registry: registry)
        let plan: Plan
        do throws(SchemaFailure) {
            plan = try planner.plan(try wanted(registry, invocation))
        } catch {
            throw Failure(.error, error.message)
        }
        return try planner.carryOut(plan, invocation)
    }

    private static func wanted(_ registry: SchemaRegistry, _ invocation: Invocation) throws(SchemaFailure) -> SchemaChange {
        let words = invocation.positionals
        switch invocation.command {
        case "schemas register":
            guard words.count > 1, let text = readText(words[1] == "-" ? "/dev/stdin" : words[1]) else {
                throw SchemaFailure("cannot read \(words.count > 1 ? words[1] : "FILE"): \(systemMessage(errno))")
            }
            var format = invocation.text("--type")
            if format == nil, try registry.subjects().contains(words[0]), let latest = try registry.versions(of: words[0]).max() {
                format = try registry.version(latest, of: words[0]).entry.format.rawValue
            }
            return .register(subject: words[0], format: format ?? SchemaChange.formats[0], text: text)
        case "schemas delete":
            return invocation.integer("--version").map { .deleteVersion(subject: words[0], version: Int($0)) } ?? .deleteSubject(words[0])
        default: return .setCompatibility(subject: words[0], level: words[1] == "global" ? nil : words[1])
        }
    }

    /// JSON indented, so that a diff is of fields; a .proto file as it is.
    static func lines(_ entry: SchemaRegistry.Entry) -> [String] {
        if entry.format != .protobuf, let tree = JSONTree(entry.text) { return tree.lines() }
        return entry.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
