import Primitives

/// A cluster of Kafka Connect workers, asked over its REST API, which any of its workers answers for all. Blocks as long as `send` does.
/// Asked and answered: connectors with status and config, changes of their state, their configs, and themselves.
package struct ConnectCluster: Sendable {
    /// With a method and perhaps a body of JSON. `path` begins with a slash.
    package typealias Send =
        @Sendable (_ method: String, _ path: String, _ body: String?) -> Result<(status: Int, body: [UInt8]), ConnectFailure>

    /// One task, or the connector's own part, with where it runs.
    package struct Part: Equatable, Sendable {
        /// RUNNING, PAUSED, STOPPED, FAILED, UNASSIGNED or RESTARTING; empty where it is not told.
        package var state: String
        package var worker: String
        /// The stack trace of a failure.
        package var trace: String?
    }
    package struct Task: Equatable, Sendable {
        package var id: Int
        package var part: Part
    }
    package struct Connector: Equatable, Sendable {
        package var name: String
        /// `source` or `sink`; empty where it is not told.
        package var type: String
        package var part: Part
        /// Ascending by id.
        package var tasks: [Task]
        /// Sorted by key. Has secrets as they are, unless the config names where they are to be found.
        package var config: OrderedMap<String, String>
    }

    /// What it is called: the host and port it is asked at.
    package let name: String
    private let send: Send

    package init(name: String, send: @escaping Send) { (self.name, self.send) = (name, send) }

    // MARK: Reading

    /// All connectors, sorted by name, in one request (Kafka 2.3 and later).
    package func connectors() throws(ConnectFailure) -> [Connector] {
        guard case .object(let members) = try ask("GET", "/connectors?expand=status&expand=info") else {
            throw ConnectFailure("\(name) answers /connectors with something else than connectors with their status")
        }
        return members.map { ConnectCluster.connector($0.name, status: $0.value["status"], info: $0.value["info"]) }
            .sorted { $0.name < $1.name }
    }

    /// Nil where there is none of that name.
    package func connector(_ connector: String) throws(ConnectFailure) -> Connector? {
        let path = "/connectors/\(SchemaRegistry.encoded(connector))"
        guard let info = try askIfThere("GET", path), let status = try askIfThere("GET", path + "/status") else { return nil }
        return ConnectCluster.connector(connector, status: status, info: info)
    }

    private static func connector(_ name: String, status: JSONTree?, info: JSONTree?) -> Connector {
        var config = OrderedMap<String, String>()
        if case .object(let members)? = info?["config"] { for member in members { config[member.name] = text(member.value) } }
        let tasks = (status?["tasks"]?.array ?? []).compactMap { task in task["id"]?.integer.map { Task(id: $0, part: part(task)) } }
        return Connector(
            name: name, type: (status?["type"]?.string ?? info?["type"]?.string ?? "").lowercasedASCII, part: part(status?["connector"]),
            tasks: tasks.sorted { $0.id < $1.id }, config: config)
    }

    private static func part(_ tree: JSONTree?) -> Part {
        let trace = tree?["trace"]?.string
        return Part(
            state: tree?["state"]?.string ?? "", worker: tree?["worker_id"]?.string ?? "", trace: trace.flatMap { $0.isEmpty ? nil : $0 })
    }

    /// Values are texts; who wrote a number or a truth value meant the text of it.
    private static func text(_ value: JSONTree) -> String {
        switch value {
        case .string(let text): text
        case .null: ""
        default: value.lines().joined(separator: "\n")
        }
    }

    /// What the plugin of the config's class says against it: the key and why. Empty where it has nothing to say, or where it is not asked
    /// because there is no such plugin on the worker that answers, which is said so.
    package func objections(to config: OrderedMap<String, String>) throws(ConnectFailure) -> [String] {
        guard let full = config["connector.class"] else { return ["connector.class is missing."] }
        let short = full.split(separator: ".").last.map(String.init) ?? full
        let path = "/connector-plugins/\(SchemaRegistry.encoded(short))/config/validate"
        guard let answer = try askIfThere("PUT", path, ConnectCluster.json(config)) else {
            return ["No plugin is called \(full) on the worker that was asked."]
        }
        var out: [String] = []
        for entry in answer["configs"]?.array ?? [] {
            guard let value = entry["value"], let key = value["name"]?.string else { continue }
            for error in value["errors"]?.strings ?? [] { out.append("\(key): \(error)") }
        }
        return out
    }

    // MARK: Changing

    package enum Verb: String, Sendable { case pause, resume, stop }

    package func set(_ connector: String, _ verb: Verb) throws(ConnectFailure) {
        try change("PUT", "/connectors/\(SchemaRegistry.encoded(connector))/\(verb.rawValue)", of: connector)
    }

    /// With the tasks, or those that failed (KIP-745, Kafka 3.0).
    package func restart(_ connector: String, withTasks: Bool, onlyFailed: Bool) throws(ConnectFailure) {
        try change("POST", ConnectCluster.restartPath(connector, withTasks: withTasks, onlyFailed: onlyFailed), of: connector)
    }

    package static func restartPath(_ connector: String, withTasks: Bool, onlyFailed: Bool) -> String {
        "/connectors/\(SchemaRegistry.encoded(connector))/restart?includeTasks=\(withTasks)&onlyFailed=\(onlyFailed)"
    }

    package func restart(_ connector: String, task: Int) throws(ConnectFailure) {
        try change("POST", "/connectors/\(SchemaRegistry.encoded(connector))/tasks/\(task)/restart", of: connector)
    }

    /// All of the config: what is not named is set no more.
    package func configure(_ connector: String, _ config: OrderedMap<String, String>) throws(ConnectFailure) {
        try change("PUT", "/connectors/\(SchemaRegistry.encoded(connector))/config", ConnectCluster.json(config), of: connector)
    }

    package func create(_ connector: String, _ config: OrderedMap<String, String>) throws(ConnectFailure) {
        let body = "{\"name\":\(JSONWriter.quoted(connector)),\"config\":\(ConnectCluster.json(config))}"
        try change("POST", "/connectors", body, of: connector)
    }

    package func delete(_ connector: String) throws(ConnectFailure) {
        try change("DELETE", "/connectors/\(SchemaRegistry.encoded(connector))", of: connector)
    }

    private static func json(_ config: OrderedMap<String, String>) -> String {
        "{" + config.map { "\(JSONWriter.quoted($0.key)):\(JSONWriter.quoted($0.value))" }.joined(separator: ",") + "}"
    }

    /// A config as it is written in a file: an object of texts, with the name of the connector beside it or without.
    package static func parse(_ text: String) throws(ConnectFailure) -> (name: String?, config: OrderedMap<String, String>) {
        guard case .object(let members)? = JSONTree(text) else { throw ConnectFailure("It is no JSON object") }
        var config = OrderedMap<String, String>()
        if case .object(let inner)? = members.first(where: { $0.name == "config" })?.value {
            for member in inner { config[member.name] = ConnectCluster.text(member.value) }
            return (members.first { $0.name == "name" }?.value.string, config)
        }
        for member in members {
            if case .object = member.value { throw ConnectFailure("\(member.name) is to be a text") }
            config[member.name] = ConnectCluster.text(member.value)
        }
        return (config["name"], config)
    }

    /// A name as a part of a path.
    package static func encoded(_ name: String) -> String { SchemaRegistry.encoded(name) }

    // MARK: Asking

    private func ask(_ method: String, _ path: String) throws(ConnectFailure) -> JSONTree {
        guard let tree = try askIfThere(method, path) else { throw ConnectFailure("\(name) has nothing at \(path)") }
        return tree
    }

    private func askIfThere(_ method: String, _ path: String, _ body: String? = nil) throws(ConnectFailure) -> JSONTree? {
        let (status, answer) = try send(method, path, body).get()
        if status == 404 { return nil }
        try check(status, answer)
        guard let tree = JSONTree(answer) else { throw ConnectFailure("\(name) answers \(path) with something else than JSON") }
        return tree
    }

    /// Whatever body comes with success says nothing that is not read again afterwards.
    private func change(_ method: String, _ path: String, _ body: String? = nil, of connector: String) throws(ConnectFailure) {
        let (status, answer) = try send(method, path, body).get()
        if status == 404 {
            throw ConnectFailure(ConnectCluster.message(answer) ?? "\(name) knows no connector \(connector), or cannot do that")
        }
        try check(status, answer)
    }

    private func check(_ status: Int, _ answer: [UInt8]) throws(ConnectFailure) {
        guard !(200..<300).contains(status) else { return }
        let words = ConnectCluster.message(answer).map { ": \($0)" } ?? ""
        switch status {
        case 401, 403: throw ConnectFailure("\(name) refuses who we are (\(status))")
        case 409: throw ConnectFailure("\(name) cannot do it now (409)\(words)")
        default: throw ConnectFailure("\(name) answers \(status)\(words)")
        }
    }

    private static func message(_ answer: [UInt8]) -> String? { JSONTree(answer)?["message"]?.string }
}

/// Why Connect could not be asked, or refused: a phrase.
package struct ConnectFailure: Error, Equatable, Sendable {
    package var message: String
    package init(_ message: String) { self.message = message }
}

extension String {
    fileprivate var lowercasedASCII: String {
        String(decoding: utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
    }
}
