import Primitives

/// Why a configuration was refused: each entry names a key, its value and what is expected.
package struct BrokerConfigError: Error, Equatable, Sendable, CustomStringConvertible {
    package var problems: [String]
    package var description: String { problems.joined(separator: "\n") }
}

/// A broker's settings: `server.properties` with its overrides, parsed and checked, and what was changed on the running broker over it.
///
/// Immutable but for `dynamicDefaults` and `dynamicBroker`, which the broker's thread replaces when their records are applied. Every key
/// of `BrokerConfigDefinitions` has a value here; the named accessors (BrokerConfig+Keys) are the way to read them.
package struct BrokerConfig: Sendable {
    /// What the file and the overrides said, the last word for each key.
    package let statics: OrderedMap<String, String>
    /// Remarks for the log: keys nobody knows, keys without effect here.
    package let warnings: [String]
    package private(set) var listeners: [Listener] = []
    package private(set) var advertisedListeners: [Listener] = []
    package private(set) var voters: [QuorumVoter] = []
    /// Changed for all brokers, or for this one, while running. Only keys that may be.
    package private(set) var dynamicDefaults: OrderedMap<String, String> = OrderedMap()
    package private(set) var dynamicBroker: OrderedMap<String, String> = OrderedMap()
    /// The listener other brokers use; kept, because whoever asks another broker asks for it.
    package private(set) var interBrokerListenerName = ""
    /// In capitals; kept, because every request asks for it.
    private(set) var controllerListenerNames: [String] = []
    /// What topics get that say nothing themselves; kept, because every partition that is taken up asks for it.
    private(set) var topicDefaults: [String: ConfigValue] = [:]
    /// What a follower's fetches ask for; kept, because each of them does.
    package private(set) var replicaFetch = ReplicaFetchSettings()
    private let staticValues: [String: ConfigValue]
    private var values: [String: ConfigValue]

    /// The file's text and `key=value` overrides, which win.
    package init(text: String, overrides: [String] = []) throws(BrokerConfigError) {
        var entries: [(String, String)] = []
        do {
            entries = try JavaProperties.parse(text).map { ($0.key, $0.value) }
        } catch {
            throw BrokerConfigError(problems: ["line \(error.line): \\u must be followed by four hexadecimal digits"])
        }
        for override in overrides {
            guard let equals = override.firstIndex(of: "="), equals != override.startIndex else {
                throw BrokerConfigError(problems: ["--override \(override): expected key=value"])
            }
            entries.append((trim(String(override[..<equals])), String(override[override.index(after: equals)...])))
        }
        try self.init(entries)
    }

    /// Settings in order; of several for one key the last counts.
    package init(_ entries: [(String, String)]) throws(BrokerConfigError) {
        var statics: OrderedMap<String, String> = OrderedMap()
        for (key, value) in entries { statics[key] = value }
        if let old = statics["broker.id"], statics["node.id"] == nil { statics["node.id"] = old }
        var problems: [String] = []
        var warnings: [String] = []
        var values: [String: ConfigValue] = [:]
        for definition in BrokerConfigDefinitions.all {
            let given = statics[definition.name]
            guard let text = given ?? definition.defaultText else {
                values[definition.name] = .null
                continue
            }
            do {
                values[definition.name] = try definition.parse(text)
            } catch {
                problems.append(error.message)
                values[definition.name] = .null
            }
            // A file that spells out a default says nothing.
            if let given, definition.canonical(given) != definition.canonical(definition.defaultText ?? ""),
                let reason = UnsupportedKeys.reason(definition)
            {
                warnings.append("\(definition.name) has no effect on this broker: \(reason)")
            }
        }
        for (key, text) in statics where BrokerConfigDefinitions.find(key) == nil && !BrokerConfig.isForeign(key) {
            if let refusal = UnsupportedKeys.refusal(key, text) {
                problems.append(refusal)
            } else if let reason = UnsupportedKeys.reason(key) {
                warnings.append("\(key) has no effect on this broker: \(reason)")
            } else {
                warnings.append("\(key) is not a setting this broker knows")
            }
        }
        self.statics = statics
        self.warnings = warnings
        self.values = values
        staticValues = values
        controllerListenerNames = list("controller.listener.names").map { $0.uppercased() }
        if problems.isEmpty { problems = readListeners() + readVoters() }
        if problems.isEmpty { problems = checkTogether() }
        guard problems.isEmpty else { throw BrokerConfigError(problems: problems) }
        interBrokerListenerName = readInterBrokerListenerName()
        topicDefaults = TopicConfig.defaults(self)
        replicaFetch = ReplicaFetchSettings(self)
    }

    /// Keys for a listener of its own, or for another part of Kafka's platform, are nobody's typing mistakes.
    private static func isForeign(_ key: String) -> Bool {
        ["listener.name.", "confluent."].contains { key.hasPrefix($0) }
    }

    /// The value of a known key.
    package func value(_ key: String) -> ConfigValue {
        guard let value = values[key] else { preconditionFailure("no such setting: \(key)") }
        return value
    }

    /// The value as the file said it, whatever was changed since.
    package func staticText(_ key: String) -> String? { statics[key] }

    /// The same settings with those changed while running. What does not parse is left out: it was checked when it was set, perhaps by
    /// a version that knew more.
    package mutating func applyDynamic(defaults: OrderedMap<String, String>, broker: OrderedMap<String, String>) {
        dynamicDefaults = defaults
        dynamicBroker = broker
        values = staticValues
        for (key, text) in Array(defaults) + Array(broker) {
            guard let definition = BrokerConfigDefinitions.find(key), definition.updateMode != .readOnly,
                let value = try? definition.parse(text)
            else { continue }
            values[key] = value
        }
        topicDefaults = TopicConfig.defaults(self)
        replicaFetch = ReplicaFetchSettings(self)
    }

    /// Says which port the system gave for a listener that asked for any, there and where it is advertised.
    package mutating func bind(_ listener: String, port: Int32) {
        for index in listeners.indices where listeners[index].name == listener && listeners[index].port == 0 {
            listeners[index].port = port
        }
        for index in advertisedListeners.indices where advertisedListeners[index].name == listener && advertisedListeners[index].port == 0 {
            advertisedListeners[index].port = port
        }
    }

    /// Says who votes, where the ports were not known when the settings were made.
    package mutating func setVoters(_ voters: [QuorumVoter]) { self.voters = voters }

    /// Says under which name clients find this machine, for listeners that listen everywhere and are advertised under no name of their own.
    package mutating func advertise(host: String) {
        for index in advertisedListeners.indices where ["", "0.0.0.0", "::"].contains(advertisedListeners[index].host) {
            advertisedListeners[index].host = host
        }
    }

    // MARK: what several keys say together

    private mutating func readListeners() -> [String] {
        var problems: [String] = []
        var protocols: [String: SecurityProtocol] = [:]
        for entry in list("listener.security.protocol.map") {
            let parts = entry.split(separator: ":")
            guard parts.count == 2, let name = SecurityProtocol(rawValue: trim(String(parts[1])).uppercased()) else {
                problems.append("Invalid value \(entry) for configuration listener.security.protocol.map: expected NAME:PROTOCOL")
                continue
            }
            protocols[trim(String(parts[0])).uppercased()] = name
        }
        listeners = parsed("listeners", protocols, &problems)
        advertisedListeners = text("advertised.listeners") == nil && list("advertised.listeners").isEmpty
            ? listeners.filter { !isController($0.name) } : parsed("advertised.listeners", protocols, &problems)
        return problems
    }

    private func parsed(_ key: String, _ protocols: [String: SecurityProtocol], _ problems: inout [String]) -> [Listener] {
        var found: [Listener] = []
        for entry in list(key) {
            guard var listener = Listener(entry) else {
                problems.append("Invalid value \(entry) for configuration \(key): expected NAME://HOST:PORT")
                continue
            }
            guard let security = protocols[listener.name] else {
                problems.append(
                    "Invalid value \(entry) for configuration \(key): \(listener.name) is not in listener.security.protocol.map")
                continue
            }
            if found.contains(where: { $0.name == listener.name }) {
                problems.append("Invalid value \(entry) for configuration \(key): each listener must have its own name")
            } else if listener.port != 0, found.contains(where: { $0.port == listener.port && $0.host == listener.host }) {
                problems.append("Invalid value \(entry) for configuration \(key): each listener must have its own port")
            }
            listener.securityProtocol = security
            found.append(listener)
        }
        return found
    }

    private mutating func readVoters() -> [String] {
        var problems: [String] = []
        for entry in list("controller.quorum.voters") {
            if let voter = QuorumVoter(entry) { voters.append(voter) } else {
                problems.append("Invalid value \(entry) for configuration controller.quorum.voters: expected id@host:port")
            }
        }
        return problems
    }

    private func checkTogether() -> [String] {
        var problems: [String] = []
        if nodeID.rawValue < 0 { problems.append("Missing required configuration node.id: a number from 0 up") }
        if let old = statics["broker.id"], let new = statics["node.id"], trim(old) != trim(new) {
            problems.append("Invalid value \(old) for configuration broker.id: it must equal node.id, which is \(new)")
        }
        if isBroker, clientListeners.isEmpty { problems.append("Missing required configuration listeners: a broker needs at least one") }
        for name in list("controller.listener.names") where !listeners.contains(where: { $0.name == name.uppercased() }) {
            // A controller elsewhere may use a listener this node does not have; a controller here may not.
            if isController, statics["process.roles"] != nil {
                problems.append("Invalid value \(name) for configuration controller.listener.names: no such listener")
            }
        }
        if !voters.isEmpty, isController, !voters.contains(where: { $0.id == nodeID }) {
            problems.append("Invalid value \(nodeID) for configuration node.id: a controller must be among controller.quorum.voters")
        }
        if let name = text("authorizer.class.name"), !name.isEmpty, !Authorizer.classNames.contains(name) {
            problems.append(
                "Invalid value \(name) for configuration authorizer.class.name: this broker knows "
                    + Authorizer.classNames.sorted().joined(separator: ", "))
        }
        for entry in (text("super.users") ?? "").split(separator: ";") where Principal(text: trim(String(entry))) == nil {
            problems.append("Invalid value \(entry) for configuration super.users: expected type:name, such as User:admin")
        }
        if logDirectories.isEmpty { problems.append("Missing required configuration log.dirs: at least one directory") }
        return problems
    }
}
