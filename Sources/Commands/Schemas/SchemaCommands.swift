import Payloads
import Primitives

/// `kastellan schemas …`: what a schema registry holds.
enum SchemaCommands {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        guard let registry = try SchemaAccess.registry(invocation) else {
            throw .usage("no schema registry is named; give --registry, or schema.registry.url in the client's file")
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

    /// JSON indented, so that a diff is of fields; a .proto file as it is.
    static func lines(_ entry: SchemaRegistry.Entry) -> [String] {
        if entry.format != .protobuf, let tree = JSONTree(entry.text) { return tree.lines() }
        return entry.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}

/// Two texts line by line: what both have, what went, what came.
enum LineDiff {
    /// Texts longer than this are shown as gone and come whole.
    static let linesMax = 3000

    /// Every line of both, with a space, a minus or a plus before it; the longest common run of lines stays.
    static func lines(_ before: [String], _ after: [String]) -> [String] {
        guard before.count <= linesMax, after.count <= linesMax else { return before.map { "-" + $0 } + after.map { "+" + $0 } }
        // lengths[i][j]: lines in common from i and j on.
        var lengths = Array(repeating: Array(repeating: Int32(0), count: after.count + 1), count: before.count + 1)
        for i in before.indices.reversed() {
            for j in after.indices.reversed() {
                lengths[i][j] = before[i] == after[j] ? lengths[i + 1][j + 1] + 1 : max(lengths[i + 1][j], lengths[i][j + 1])
            }
        }
        var out: [String] = []
        var (i, j) = (0, 0)
        while i < before.count || j < after.count {
            if i < before.count, j < after.count, before[i] == after[j] {
                out.append(" " + before[i])
                (i, j) = (i + 1, j + 1)
            } else if j == after.count || (i < before.count && lengths[i + 1][j] >= lengths[i][j + 1]) {
                out.append("-" + before[i])
                i += 1
            } else {
                out.append("+" + after[j])
                j += 1
            }
        }
        return out
    }
}
