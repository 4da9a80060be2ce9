import Primitives
import Wire

extension KafkaCommand {
    static func access(_ verb: String, _ rules: [AccessRule], _ bootstrap: String) -> String {
        rules.map { rule in
            var arguments = [verb, rule.isDenied ? "--deny-principal" : "--allow-principal", rule.principal]
            if rule.host != "*" { arguments += [rule.isDenied ? "--deny-host" : "--allow-host", rule.host] }
            arguments += ["--operation", pascal(rule.operation.text)]
            switch rule.type {
            case .cluster: arguments.append("--cluster")
            case .group: arguments += ["--group", rule.name]
            case .transactionalID: arguments += ["--transactional-id", rule.name]
            case .delegationToken: arguments += ["--delegation-token", rule.name]
            case .user: arguments += ["--user-principal", rule.name]
            default: arguments += ["--topic", rule.name]
            }
            if rule.isPrefixed { arguments += ["--resource-pattern-type", "prefixed"] }
            return line("kafka-acls.sh", bootstrap, arguments)
        }.joined(separator: "\n")
    }

    /// DESCRIBE_CONFIGS as DescribeConfigs.
    private static func pascal(_ text: String) -> String {
        text.split(separator: "_").map { $0.prefix(1) + $0.dropFirst().lowercased() }.joined()
    }

    static func quota(_ subject: QuotaSubject, _ set: [ConfigValue], _ delete: [String], _ bootstrap: String) -> String {
        var arguments = ["--alter"]
        for part in subject.parts {
            let type = part.type == "client-id" ? "clients" : part.type + "s"
            arguments += ["--entity-type", type]
            arguments += part.who.name.map { ["--entity-name", $0] } ?? ["--entity-default"]
        }
        if !set.isEmpty { arguments += ["--add-config", set.map { "\($0.name)=\($0.value)" }.joined(separator: ",")] }
        if !delete.isEmpty { arguments += ["--delete-config", delete.joined(separator: ",")] }
        return line("kafka-configs.sh", bootstrap, arguments)
    }
}
