import Client
import Settings

/// What `perf` commands make a producer or consumer with: Java's keys from the connection's file, and over them those of a flag.
enum PerfSettings {
    /// Keys that say how to connect: they belong to the connection, which is made already.
    private static func isConnection(_ key: String) -> Bool {
        ["sasl.", "ssl.", "security.", "kastellan."].contains { key.hasPrefix($0) }
            || ["bootstrap.servers", "metadata.broker.list", "client.id"].contains(key)
    }

    static func configuration(
        _ invocation: Invocation, flag: String, defaults: [(String, String)] = []
    ) throws(Failure) -> ClientConfiguration {
        do throws(KafkaError) {
            var configuration = try ClientConfiguration(properties: [:])
            for (key, value) in defaults { try configuration.set(key, value) }
            // A file can be for other programs too; what is not known of it is left aside as everywhere.
            for (key, setting) in try source(invocation).settings where !isConnection(key) && ClientConfiguration.knows(key) {
                try configuration.set(key, setting.value)
            }
            for (key, value) in invocation.pairs(flag) {
                if key == "bootstrap.servers" { continue }
                if isConnection(key) {
                    throw KafkaError(.configuration, "\(flag) \(key): how to connect is said by --command-config or --context")
                }
                try configuration.set(key, value)
            }
            return configuration
        } catch {
            throw Failure(error)
        }
    }

    private static func source(_ invocation: Invocation) throws(KafkaError) -> ConnectionSource {
        do throws(Failure) { return try ConnectionSource(invocation) } catch { throw KafkaError(.configuration, error.message) }
    }

    /// Kafka's tools are told the address by a property of the client; it counts where no flag says another.
    static func address(_ invocation: Invocation, flag: String) -> String? {
        guard !invocation.isSet("--bootstrap"), !invocation.isSet("--context") else { return nil }
        return invocation.pairs(flag).last { $0.key == "bootstrap.servers" }?.value
    }
}
