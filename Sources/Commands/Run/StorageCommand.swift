import BrokerServer
import Controller
import Primitives
import Reactor
import Storage

/// `kastellan storage`: what Kafka's own kafka-storage does, in its words, so that scripts written for it go on to work.
enum StorageCommand {
    static func run(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        switch invocation.command {
        case "storage random-uuid":
            var random = PRNG(seed: SystemClock.seed())
            Streams.print(UUID.random(&random).text + "\n")
            return .ok
        case "storage format": return try format(invocation)
        default: return try info(invocation)
        }
    }

    private static func format(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        guard let clusterID = invocation.text("--cluster-id") else {
            throw .usage("storage format needs --cluster-id ID; `kastellan storage random-uuid` makes one")
        }
        let config = try settings(invocation)
        do throws(FormatError) {
            var users: [ScramUser] = []
            for text in invocation.all("--add-scram") { users.append(try ScramUser(text)) }
            let lines = try DirectoryFormat(config).format(
                clusterID: clusterID, ignoreFormatted: invocation.isSet("--ignore-formatted"), users: users)
            for line in lines { Streams.print(visible(line) + "\n") }
        } catch {
            throw Failure(.error, error.description)
        }
        return .ok
    }

    private static func settings(_ invocation: Invocation) throws(Failure) -> BrokerConfig {
        guard let path = invocation.text("--config") else {
            throw .usage("\(invocation.command) needs --config FILE: a server.properties file")
        }
        return try SettingsFile.read(path, overrides: invocation.all("--override"))
    }

    /// What is formatted, and what is wrong: the exit code says whether anything is.
    private static func info(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let config = try settings(invocation)
        let found: [DirectoryFormat.Found]
        do throws(FormatError) { found = try DirectoryFormat(config).look() } catch { throw Failure(.error, error.description) }
        var problems: [String] = []
        for directory in found where directory.meta == nil {
            problems.append("\(directory.directory) \(directory.exists ? "is not formatted." : "does not exist")")
        }
        section("Found log director\(found.count == 1 ? "y" : "ies"):", found.filter(\.exists).map(\.directory))
        if let meta = found.compactMap(\.meta).first {
            let ids = "cluster.id=\(visible(meta.clusterID)), directory.id=\(meta.directoryID), node.id=\(meta.nodeID)"
            Streams.print("Found metadata: {\(ids), version=1}\n\n")
        }
        section("Found problem\(problems.count == 1 ? "" : "s"):", problems)
        return problems.isEmpty ? .ok : .error
    }

    private static func section(_ title: String, _ lines: [String]) {
        guard !lines.isEmpty else { return }
        Streams.print(([title] + lines.map { "  " + visible($0) }).joined(separator: "\n") + "\n\n")
    }
}
