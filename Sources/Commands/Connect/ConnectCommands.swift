import Console
import Glibc
import Observatory
import Payloads
import Primitives
import Reactor
import Settings

/// `kastellan connect …` and `get connectors`: what Kafka Connect runs, and changes to it.
enum ConnectCommands {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let access = try ConnectAccess(invocation)
        guard !access.isEmpty else {
            throw .usage("no Kafka Connect is named; give --connect, or connect.url in the client's file")
        }
        switch invocation.command {
        case "connect list", "get": return try list(access, invocation)
        case "connect show": return try show(access, invocation)
        case "connect config": return try config(access, invocation)
        default: return try change(access, invocation)
        }
    }

    // MARK: Reading

    /// One Connect that does not answer does not hide the others; the exit code tells.
    private static func list(_ access: ConnectAccess, _ invocation: Invocation) throws(Failure) -> ExitStatus {
        let wanted = invocation.command == "get" ? invocation.positionals.dropFirst().first : nil
        var listing = Listing([
            .init("CONNECTOR", "connector"), .init("CONNECT", "connect"), .init("STATE", "state"), .init("TASKS", "tasks", right: true),
            .init("RUNNING", "running", right: true), .init("FAILED", "failed", right: true), .init("TYPE", "type"),
            .init("CLASS", "class"), .init("WORKER", "worker"), .init("GROUP", "group"),
        ])
        var problems: [String] = []
        for one in access.clusters {
            do throws(ConnectFailure) {
                for connector in try one.cluster.connectors() where wanted == nil || connector.name == wanted {
                    let snapshot = ConnectorSnapshot(connector, cluster: one.cluster.name)
                    listing.add([
                        .string(connector.name), .string(one.cluster.name), text(connector.part.state),
                        .number(Int64(snapshot.tasks.count)), .number(Int64(snapshot.runningTasks)),
                        .number(Int64(snapshot.failedTasks)), text(connector.type),
                        text(snapshot.shortClass), text(connector.part.worker), text(snapshot.group ?? ""),
                    ])
                }
            } catch {
                problems.append(error.message)
            }
        }
        if problems.count == access.clusters.count { throw Failure(.error, problems.joined(separator: "; ")) }
        print(listing, invocation)
        for problem in problems { Streams.complain(problem) }
        return problems.isEmpty ? .ok : .partial
    }

    private static func text(_ text: String) -> JSON { text.isEmpty ? .null : .string(text) }

    private static func print(_ listing: Listing, _ invocation: Invocation) {
        let format = OutputFormat(rawValue: invocation.text("--output") ?? "table") ?? .table
        Streams.print(listing.text(format, forTerminal: Streams.isTerminal(Streams.output)))
    }

    private static func show(_ access: ConnectAccess, _ invocation: Invocation) throws(Failure) -> ExitStatus {
        let (_, connector) = try named(access, invocation)
        var listing = Listing([
            .init("CONNECTOR", "connector"), .init("PART", "part"), .init("STATE", "state"), .init("WORKER", "worker"),
            .init("TRACE", "trace"),
        ])
        func add(_ part: String, _ state: ConnectCluster.Part) {
            listing.add([
                .string(connector.name), .string(part), text(state.state), text(state.worker), state.trace.map { .string($0) } ?? .null,
            ])
        }
        add("connector", connector.part)
        for task in connector.tasks { add("task \(task.id)", task.part) }
        print(listing, invocation)
        return .ok
    }

    private static func config(_ access: ConnectAccess, _ invocation: Invocation) throws(Failure) -> ExitStatus {
        let (_, connector) = try named(access, invocation)
        var listing = Listing([.init("CONNECTOR", "connector"), .init("KEY", "key"), .init("VALUE", "value")])
        for (key, value) in connector.config {
            let isSecret = ConnectSecrets.isSecret(key, value)
            listing.add([.string(connector.name), .string(key), isSecret ? .string(ConnectSecrets.mask) : .string(value)])
        }
        print(listing, invocation)
        return .ok
    }

    /// The connector of the first word, on whichever Connect it is; `--on` says where, should there be two.
    private static func named(
        _ access: ConnectAccess, _ invocation: Invocation
    ) throws(Failure) -> (cluster: String, connector: ConnectCluster.Connector) {
        let name = invocation.positionals[0]
        var found: [(String, ConnectCluster.Connector)] = []
        do throws(ConnectFailure) {
            for one in access.clusters where invocation.text("--on").map({ $0 == one.cluster.name }) ?? true {
                if let connector = try one.cluster.connector(name) { found.append((one.cluster.name, connector)) }
            }
        } catch {
            throw Failure(.error, error.message)
        }
        if found.count > 1 {
            throw .usage("there is a connector \"\(name)\" on \(found.map(\.0).joined(separator: " and on ")); --on says which is meant")
        }
        guard let only = found.first else {
            throw Failure(.error, "there is no connector \"\(name)\"; `kastellan connect list` shows those there are")
        }
        return only
    }

    // MARK: Changes

    private static func change(_ access: ConnectAccess, _ invocation: Invocation) throws(Failure) -> ExitStatus {
        let planner = ConnectPlanner(access: access)
        let wanted = try change(access, of: invocation)
        let plan: Plan
        do throws(ConnectFailure) { plan = try planner.plan(wanted) } catch { throw Failure(.error, error.message) }
        return try planner.carryOut(plan, invocation)
    }

    private static func change(_ access: ConnectAccess, of invocation: Invocation) throws(Failure) -> ConnectChange {
        if invocation.command == "connect create" { return try creation(access, invocation) }
        let (cluster, connector) = try named(access, invocation)
        let name = ConnectorName(cluster, connector.name)
        switch invocation.command {
        case "connect pause": return .pause(name)
        case "connect resume": return .resume(name)
        case "connect stop": return .stop(name)
        case "connect delete": return .delete(name)
        case "connect restart":
            if let task = invocation.integer("--task") { return .restart(name, .task(Int(task))) }
            return .restart(name, invocation.isSet("--failed") ? .failed : .everything)
        default: return .configure(name, try altered(connector, invocation))
        }
    }

    private static func creation(_ access: ConnectAccess, _ invocation: Invocation) throws(Failure) -> ConnectChange {
        let (found, config) = try file(invocation.positionals[0])
        let on = invocation.text("--on")
        let only = access.clusters.count == 1 ? access.clusters[0].cluster.name : nil
        guard let cluster = on ?? only, access.cluster(cluster) != nil else {
            let names = access.clusters.map(\.cluster.name).joined(separator: ", ")
            throw .usage("on which Connect? --on takes one of \(names)")
        }
        guard let name = invocation.text("--name") ?? found else { throw .usage("the file names no connector; --name does") }
        return .create(ConnectorName(cluster, name), config.filter { $0.name != "name" })
    }

    /// The whole config of a file, or what is there with what is set and taken away.
    private static func altered(_ connector: ConnectCluster.Connector, _ invocation: Invocation) throws(Failure) -> [ConfigValue] {
        var config = connector.config
        if let path = invocation.text("--file") {
            config = OrderedMap()
            for value in try file(path).config { config[value.name] = value.value }
            if connector.config["name"] != nil { config["name"] = connector.name }
        }
        for pair in invocation.all("--set") {
            let equals = pair.firstIndex(of: "=") ?? pair.endIndex
            config[String(pair[..<equals])] = String(pair[equals...].dropFirst())
        }
        for key in invocation.all("--delete") { config[key] = nil }
        return config.map { ConfigValue($0.key, $0.value) }
    }

    /// JSON as the REST API takes it, or a properties file as Connect's standalone workers do.
    private static func file(_ path: String) throws(Failure) -> (name: String?, config: [ConfigValue]) {
        guard let text = readText(path == "-" ? "/dev/stdin" : path) else {
            throw Failure(.error, "cannot read \(path): \(systemMessage(errno))")
        }
        if text.first(where: { !$0.isWhitespace }) == "{" {
            do throws(ConnectFailure) {
                let (name, config) = try ConnectCluster.parse(text)
                return (name, config.map { ConfigValue($0.key, $0.value) })
            } catch {
                throw Failure(.error, "\(path): \(error.message)")
            }
        }
        do throws(JavaProperties.BadEscape) {
            let entries = try JavaProperties.parse(text)
            return (entries.last { $0.key == "name" }?.value, entries.map { ConfigValue($0.key, $0.value) })
        } catch {
            throw Failure(.error, "\(path): line \(error.line): \\u must be followed by four hexadecimal digits")
        }
    }
}
