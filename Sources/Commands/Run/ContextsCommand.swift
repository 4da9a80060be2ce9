import Glibc
import Primitives
import Reactor
import Settings

/// `contexts list`, `contexts use`, `contexts import`.
enum ContextsCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        switch invocation.command {
        case "contexts list": return list(invocation)
        case "contexts use": return try use(invocation)
        default: return try importing(invocation)
        }
    }

    static func list(_ invocation: Invocation) -> ExitStatus {
        let store = ContextStore()
        if invocation.isSet("--names") {
            Streams.print(store.contexts.map { visible($0.name) + "\n" }.joined())
        } else {
            let format = OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table
            Streams.print(listing(store).text(format, forTerminal: Streams.isTerminal(Streams.output)))
        }
        for problem in store.problems { Streams.complain(problem) }
        return store.problems.isEmpty ? .ok : .partial
    }

    static func listing(_ store: ContextStore) -> Listing {
        var listing = Listing([
            .init("CONTEXT", "context"), .init("CURRENT", "current"), .init("BOOTSTRAP", "bootstrap"), .init("SECURITY", "security"),
            .init("READ-ONLY", "readOnly"), .init("COLOR", "color"), .init("FROM", "from"),
        ])
        let current = environment("KASTELLAN_CONTEXT") ?? ContextStore.saved
        for context in store.contexts {
            let facts = ContextFacts(context)
            listing.add([
                .string(context.name), .bool(context.name == current), facts.bootstrap.map { .string($0) } ?? .null,
                .string(facts.security), .bool(context.isReadOnly), context.color.map { .string($0.value) } ?? .null,
                .string(context.origin.description),
            ])
        }
        return listing
    }

    private static func use(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        guard let name = invocation.positionals.first else {
            guard invocation.isSet("--none") else { throw .usage("contexts use needs NAME, or --none") }
            try ContextStore.save(nil)
            Streams.print("no context is used unless one is named\n")
            return .ok
        }
        let context = try ContextStore().named(name)
        try ContextStore.save(context.name)
        Streams.print("using \(visible(context.name))\n")
        return .ok
    }

    /// Takes contexts of another program over into files of our own. What is there already is not touched.
    private static func importing(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        guard let program = OtherProgram(rawValue: invocation.positionals[0]) else { return .usage }
        let given = invocation.positionals.count > 1 ? invocation.positionals[1] : nil
        guard let path = given ?? program.paths(environment).first(where: { access($0, R_OK) == 0 }) else {
            throw Failure(.error, "\(program.rawValue) has no configuration at \(program.paths(environment).joined(separator: " or "))")
        }
        guard let text = readText(path) else { throw Failure(.error, "cannot read \(path): \(systemMessage(errno))") }
        let found: [ContextSpec]
        do throws(YAML.Failure) {
            found = try program.contexts(text, path: path)
        } catch {
            throw Failure(.error, "\(path): line \(error.line): \(error.message)")
        }
        guard !found.isEmpty else { throw Failure(.error, "\(path) has no contexts") }
        let existing = ContextStore().contexts.map(\.name)
        var refused = 0
        for context in found {
            let name = ContextSpec.nameLike(program == .kcat ? "kcat" : context.name)
            guard !existing.contains(name) else {
                Streams.complain("context \(name) is there already and is left as it is")
                refused += 1
                continue
            }
            let file = "\(Paths.contextsFolder)/\(name).yaml"
            try NewFile.create(file, ContextFile.text(of: context, imported: "\(program.rawValue)'s \(path)"))
            Streams.print("\(name): \(file)\n")
            for note in context.notes { Streams.complain("\(name): \(note)") }
            let open = context.settings.filter { SecretText.isSecret($0.key) && !SecretText($0.value.value).namesSecret }.map(\.key)
            if !open.isEmpty {
                Streams.complain(
                    "\(name): \(open.joined(separator: ", ")) stands there in the open, for your eyes only (mode 600); "
                        + "${env:…}, ${file:…} and ${command:…} name a secret instead")
            }
        }
        return refused == 0 ? .ok : refused == found.count ? .error : .partial
    }
}

/// What can be told of a context without looking a secret up.
struct ContextFacts {
    var bootstrap: String?
    var security = "PLAINTEXT"

    init(_ context: ContextSpec) {
        var values = OrderedMap<String, String>()
        if let source = try? ConnectionSource(context: context.name) {
            for (key, setting) in source.settings { values[key] = setting.value }
        } else {
            for (key, setting) in context.settings { values[key] = setting.value }
        }
        bootstrap = values["bootstrap.servers"] ?? values["metadata.broker.list"]
        security = (values["security.protocol"] ?? security).uppercased()
        if security.hasPrefix("SASL"), let mechanism = values["sasl.mechanism"] ?? values["sasl.mechanisms"] { security += " " + mechanism }
    }
}
