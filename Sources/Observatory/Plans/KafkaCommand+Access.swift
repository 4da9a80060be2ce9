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

    static func admin(_ action: PlanAction, _ bootstrap: String) -> String {
        switch action {
        case .abortTransaction(let wanted):
            var arguments = ["abort", "--topic", wanted.partition.topic, "--partition", "\(wanted.partition.partition)"]
            switch wanted.which {
            case .startOffset(let offset): arguments += ["--start-offset", "\(offset)"]
            case .producer(let id, let epoch, let coordinatorEpoch):
                arguments += ["--producer-id", "\(id)", "--producer-epoch", "\(epoch)", "--coordinator-epoch", "\(coordinatorEpoch)"]
            }
            return line("kafka-transactions.sh", bootstrap, arguments)
        case .fenceProducer(let id):
            return line("kafka-transactions.sh", bootstrap, ["forceTerminateTransaction", "--transactionalId", id])
        case .removeCredentials(let user, let mechanisms):
            let names = mechanisms.isEmpty ? ScramMechanism.allCases.map(\.name) : mechanisms
            let arguments = ["--alter", "--entity-type", "users", "--entity-name", user, "--delete-config", names.joined(separator: ",")]
            return line("kafka-configs.sh", bootstrap, arguments)
        case .setCredential(let new):
            let value = "\(new.mechanism)=[iterations=\(new.iterations),password=PASSWORD]"
            let arguments = ["--alter", "--entity-type", "users", "--entity-name", new.user, "--add-config", value]
            return line("kafka-configs.sh", bootstrap, arguments)
        default: return ""
        }
    }
}
