/// The settings of a client metrics subscription (KIP-714): kept and told, though no client is asked for metrics here.
enum ClientMetricsConfig {
    private static let definitions = [
        ConfigDefinition("interval.ms", .int, "300000", .any, "How often a client tells its metrics."),
        ConfigDefinition("metrics", .list, "", .any, "Prefixes of the metrics that are wanted."),
        ConfigDefinition("match", .list, "", .any, "Which clients are meant, as key=pattern."),
    ]
    private static let matchKeys = [
        "client_instance_id", "client_id", "client_software_name", "client_software_version", "client_source_address",
        "client_source_port",
    ]

    static func find(_ key: String) -> ConfigDefinition? { definitions.first { $0.name == key } }

    /// Kafka's answers to what cannot be.
    static func problem(_ key: String, _ text: String) -> String? {
        switch key {
        case "interval.ms":
            guard let interval = Int32(trim(text)) else {
                return "Invalid value \(text) for configuration interval.ms: Not a number of type INT"
            }
            if !(100...3_600_000).contains(interval) {
                return "Invalid value \(interval) for interval.ms, interval must be between 100 and 3600000 (1 hour)"
            }
            return nil
        case "metrics": return nil
        case "match":
            for pattern in ConfigDefinition.elements(text) {
                let parts = pattern.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { trim(String($0)) }
                guard parts.count == 2, matchKeys.contains(parts[0]) else { return "Illegal client matching pattern: \(pattern)" }
            }
            return nil
        default: return "Unknown client metrics configuration: \(key)"
        }
    }
}
