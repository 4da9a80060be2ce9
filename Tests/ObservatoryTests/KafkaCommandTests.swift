import Foundation
import Primitives
import Testing

@testable import Observatory

/// The command lines of plans against those that Apache Kafka's own tools were called with in the recordings.
@Suite struct KafkaCommandTests {
    private static let recorded: Set<String> = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/cli/commands.txt")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return Set(text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init))
    }()

    private func command(_ action: PlanAction) -> String { KafkaCommand.text(for: action, bootstrap: "127.0.0.1:21192") }

    private static let orders = ResetScope.topics(["orders"])
    private static func reset(_ scope: ResetScope, _ strategy: ResetStrategy) -> PlanAction {
        .resetOffsets(group: "g-classic", scope: scope, strategy: strategy)
    }

    @Test(arguments: [
        PlanAction.createTopic(NewTopic(name: "orders", partitions: 3, replicationFactor: 3)),
        .createTopic(
            NewTopic(
                name: "compacted", partitions: 1, replicationFactor: 3,
                configs: [ConfigValue("cleanup.policy", "compact"), ConfigValue("segment.bytes", "1048576")])),
        .createTopic(NewTopic(name: "bad name!", partitions: 1, replicationFactor: 1)),
        .createTopic(NewTopic(name: "defaults")),
        .deleteTopic("a.b"),
        .addPartitions(topic: "defaults", total: 5),
        .alterConfig(
            .topic("orders"), set: [ConfigValue("retention.ms", "3600000"), ConfigValue("cleanup.policy", "compact,delete")], delete: []),
        .alterConfig(.topic("orders"), set: [], delete: ["cleanup.policy", "max.message.bytes"]),
        .alterConfig(.broker(1), set: [ConfigValue("num.io.threads", "9")], delete: []),
        .deleteGroup("act-classic"),
        .deleteGroupOffsets(group: "act-classic", topic: "work"),
        reset(orders, .earliest),
        reset(.allTopics, .latest),
        reset(.partitions([TopicPartition("orders", 0)]), .offset(1)),
        reset(orders, .shiftBy(-1)),
    ])
    func lineIsOneThatWasRecorded(action: PlanAction) { #expect(KafkaCommandTests.recorded.contains(command(action))) }

    /// Recorded as dry runs; the plan's line is the one that does it.
    @Test(arguments: [
        reset(orders, .byDuration(milliseconds: 3_600_000)),
        reset(orders, .datetime(Timestamp(milliseconds: 1_577_836_800_000))),
        reset(.allTopics, .file(name: "offsets.csv", csv: "")),
    ])
    func dryRunsLineIsRecorded(action: PlanAction) {
        let line = command(action)
        #expect(line.hasSuffix(" --execute"))
        #expect(KafkaCommandTests.recorded.contains(String(line.dropLast(9)) + "--dry-run"))
    }

    @Test func deleteRecordsWritesItsFile() {
        let records = [
            RecordsToDelete(TopicPartition("orders", 0), before: 1), RecordsToDelete(TopicPartition("orders", 1), before: -1),
        ]
        #expect(
            command(.deleteRecords(records)) == """
                echo '{"partitions":[{"topic":"orders","partition":0,"offset":1},{"topic":"orders","partition":1,"offset":-1}],\
                "version":1}' > offsets.json
                kafka-delete-records.sh --bootstrap-server 127.0.0.1:21192 --offset-json-file offsets.json
                """)
    }

    @Test func produceFeedsTheConsoleProducer() {
        let message = NewMessage(topic: "orders", partition: 2, key: Bytes("it's"), value: nil)
        #expect(
            command(.produce(message)) == """
                printf '%s\\n' 'it'\\''s\tNULL' | kafka-console-producer.sh --bootstrap-server 127.0.0.1:21192 --topic orders \
                --reader-property parse.key=true --reader-property null.marker=NULL
                # kafka-console-producer.sh cannot choose partition 2; kcat can: -p 2
                """)
    }

    @Test func shellsSeeOneArgument() {
        #expect(KafkaCommand.quoted("plain-1.2_x:3,4/5=6@7%8+9") == "plain-1.2_x:3,4/5=6@7%8+9")
        #expect(KafkaCommand.quoted("") == "''")
        #expect(KafkaCommand.quoted("$(rm -rf /)") == "'$(rm -rf /)'")
        #expect(KafkaCommand.quoted("a'b") == "'a'\\''b'")
    }
}
