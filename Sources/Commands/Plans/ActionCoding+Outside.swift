import Observatory
import Primitives

// Changes to schema registries and to Kafka Connect as JSON.
extension ActionCoding {
    static func members(_ change: SchemaChange) -> (String, [(String, JSON)]) {
        switch change {
        case .register(let subject, let format, let text):
            ("registerSchema", [("subject", .string(subject)), ("type", .string(format)), ("schema", .string(text))])
        case .deleteVersion(let subject, let version):
            ("deleteSchemaVersion", [("subject", .string(subject)), ("version", .number(Int64(version)))])
        case .deleteSubject(let subject): ("deleteSubject", [("subject", .string(subject))])
        case .setCompatibility(let subject, let level):
            ("setCompatibility", [("subject", .string(subject)), ("level", level.map { .string($0) } ?? .null)])
        }
    }

    /// Nil where a secret would stand in it, and for a connector's whole config: of which values are secrets nobody can be sure.
    static func members(_ change: ConnectChange) -> (String, [(String, JSON)])? {
        guard secretKey(change) == nil else { return nil }
        let name = [("connect", JSON.string(change.connector.cluster)), ("connector", JSON.string(change.connector.name))]
        switch change {
        case .pause: return ("pauseConnector", name)
        case .resume: return ("resumeConnector", name)
        case .stop: return ("stopConnector", name)
        case .restart(_, .everything): return ("restartConnector", name)
        case .restart(_, .failed): return ("restartFailed", name)
        case .restart(_, .task(let task)): return ("restartTask", name + [("task", .number(Int64(task)))])
        case .configure: return nil
        case .alter(_, let set, let delete): return ("alterConnector", name + [("set", values(set)), ("delete", strings(delete))])
        case .create(_, let config): return ("createConnector", name + [("config", values(config))])
        case .delete: return ("deleteConnector", name)
        }
    }

    /// The first key that is set to a secret; nil where none is.
    static func secretKey(_ change: ConnectChange) -> String? {
        let set: [ConfigValue] =
            switch change {
            case .configure(_, let config), .create(_, let config): config
            case .alter(_, let set, _): set
            default: []
            }
        return set.first { ConnectSecrets.isSecret($0.name, $0.value) }?.name
    }

    static func schemaChange(_ json: JSON) -> SchemaChange? {
        guard let subject = json["subject"]?.string else { return nil }
        switch json["do"]?.string {
        case "registerSchema":
            guard let format = json["type"]?.string, let text = json["schema"]?.string else { return nil }
            return .register(subject: subject, format: format, text: text)
        case "deleteSchemaVersion":
            return json["version"]?.integer.flatMap { Int(exactly: $0) }.map { .deleteVersion(subject: subject, version: $0) }
        case "deleteSubject": return .deleteSubject(subject)
        case "setCompatibility":
            guard let level = json["level"], level == .null || level.string != nil else { return nil }
            return .setCompatibility(subject: subject, level: level.string)
        default: return nil
        }
    }

    static func connectChange(_ json: JSON) -> ConnectChange? {
        guard let cluster = json["connect"]?.string, let connector = json["connector"]?.string else { return nil }
        let name = ConnectorName(cluster, connector)
        switch json["do"]?.string {
        case "pauseConnector": return .pause(name)
        case "resumeConnector": return .resume(name)
        case "stopConnector": return .stop(name)
        case "restartConnector": return .restart(name, .everything)
        case "restartFailed": return .restart(name, .failed)
        case "restartTask": return json["task"]?.integer.flatMap { Int(exactly: $0) }.map { .restart(name, .task($0)) }
        case "alterConnector":
            guard let set = pairs(json["set"]), let delete = names(json["delete"]) else { return nil }
            return .alter(name, set: set, delete: delete)
        case "createConnector": return pairs(json["config"]).map { .create(name, $0) }
        case "deleteConnector": return .delete(name)
        default: return nil
        }
    }
}
