import Client
import Testing

/// The Java client's keys: used, left aside, or refused by name.
@Suite struct ConfigurationTests {
    private func refusal(_ properties: [String: String]) -> String? {
        do {
            _ = try ClientConfiguration(properties: properties)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func fileOfAJavaClientWorksAsItIs() throws {
        let configuration = try ClientConfiguration(
            text: """
                # produced by hand
                bootstrap.servers = localhost:9092, localhost:9093
                key.serializer=org.apache.kafka.common.serialization.StringSerializer
                acks=all
                linger.ms: 20
                """)
        #expect(configuration["linger.ms"] == "20")
        #expect(configuration["batch.size"] == "16384")
        #expect(configuration.ignored.map(\.key) == ["key.serializer"])
    }

    @Test(arguments: [
        ("linger.msec", "5", "did you mean linger.ms?"), ("linger.ms", "soon", "wants a number"),
        ("acks", "2", "wants one of all, -1, 0, 1"),
        ("interceptor.classes", "x", "wrap the calls"), ("auto.offset.reset", "newest", "wants earliest, latest, none"),
        ("max.in.flight.requests.per.connection", "0", "from 1 to 1000"), ("frobnicate", "1", "no such setting"),
    ]) func whatCannotBeIsRefusedByName(key: String, value: String, words: String) {
        let text = refusal([key: value])
        #expect(text?.hasPrefix(key) == true && text?.contains(words) == true, "\(text ?? "taken")")
    }

    @Test func settingsThatContradictEachOtherAreRefused() throws {
        let server = ["bootstrap.servers": "localhost:1"]
        for more in [
            ["enable.idempotence": "true", "acks": "1"], ["transactional.id": "t", "enable.idempotence": "false"],
            ["delivery.timeout.ms": "1000", "request.timeout.ms": "2000"],
        ] {
            let configuration = try ClientConfiguration(properties: server.merging(more) { $1 })
            #expect(throws: KafkaError.self) { _ = try Producer(configuration) }
        }
        #expect(throws: KafkaError.self) { _ = try Producer(ClientConfiguration(properties: [:])) }
        let beats = try ClientConfiguration(properties: server.merging(["heartbeat.interval.ms": "50000"]) { $1 })
        #expect(throws: KafkaError.self) { _ = try Consumer(beats) }
    }

    @Test func durationOfAResetIsRead() {
        #expect(refusal(["auto.offset.reset": "by_duration:P1DT2H3M4.5S"]) == nil)
        #expect(refusal(["auto.offset.reset": "by_duration:1D"]) != nil)
    }
}
