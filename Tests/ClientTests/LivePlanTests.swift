import Client
import ClientCore
import Observatory
import Primitives
import Testing
import Wire

/// Plans against a real broker: made, run, checked by the runner's own reading, and undone.
@Suite struct LivePlanTests {
    private func plan(_ broker: LiveBroker, _ action: PlanAction) throws -> Plan {
        let built = broker.client.run(PlanBuilder(action, bootstrap: "127.0.0.1:\(broker.port)"), timeoutMs: 20_000)
        return try #require(built?.first).get()
    }

    @discardableResult
    private func run(_ broker: LiveBroker, _ plan: Plan, isReadOnly: Bool = false) throws -> PlanOutcome {
        let gate: ChangeGate = isReadOnly ? .closed("This session is read-only.") : .open
        let outputs = try #require(broker.client.run(PlanRunner(plan, gate: gate), timeoutMs: 30_000))
        guard case .finished(let outcome)? = outputs.last else { throw TestProblem.noAnswer }
        return outcome
    }

    @discardableResult
    private func perform(_ broker: LiveBroker, _ action: PlanAction) throws -> PlanOutcome {
        let plan = try self.plan(broker, action)
        let outcome = try run(broker, plan)
        #expect(outcome.verdict == .done, "\(outcome.lines) \(plan.obstacles)")
        return outcome
    }

    private func fill(_ broker: LiveBroker, _ topic: String, partitions: Int32, each: Int) throws {
        try perform(broker, .createTopic(NewTopic(name: topic, partitions: partitions, replicationFactor: 1)))
        let producer = SimpleProducer(broker.client)
        for partition in 0..<partitions {
            for index in 0..<each {
                let time = Timestamp(milliseconds: 1_700_000_000_000 + Int64(index) * 1000)
                producer.send(ProducerRecord(topic: topic, partition: partition, value: Bytes("\(index)"), timestamp: time))
            }
        }
        #expect(producer.flush())
    }

    @Test func topicIsCreatedGrownAlteredAndDeleted() throws {
        let broker = try LiveBroker()
        let created = try perform(
            broker,
            .createTopic(
                NewTopic(name: "orders", partitions: 2, replicationFactor: 1, configs: [ConfigValue("retention.ms", "3600000")])))
        #expect(created.undo == .deleteTopic("orders"))
        try perform(broker, .addPartitions(topic: "orders", total: 5))
        let altered = try perform(
            broker,
            .alterConfig(.topic("orders"), set: [ConfigValue("retention.ms", "7200000"), ConfigValue("max.message.bytes", "2000000")],
                delete: []))
        #expect(
            altered.undo
                == .alterConfig(.topic("orders"), set: [ConfigValue("retention.ms", "3600000")], delete: ["max.message.bytes"]))
        let back = try plan(broker, .alterConfig(.topic("orders"), set: [], delete: ["max.message.bytes"]))
        #expect(back.rows.first?.cells == ["max.message.bytes", "2000000", "1048588 (DEFAULT_CONFIG)"])
        try perform(broker, try #require(altered.undo))
        try perform(broker, .alterConfig(.topic("orders"), set: [], delete: ["retention.ms"]))
        try perform(broker, .deleteTopic("orders"))
        #expect(throws: PlanError("Topic orders does not exist.")) { _ = try plan(broker, .deleteTopic("orders")) }
    }

    @Test func badInputIsRefusedBeforeAnythingIsDone() throws {
        let broker = try LiveBroker()
        try fill(broker, "one", partitions: 3, each: 1)
        let exists = try plan(broker, .createTopic(NewTopic(name: "one", partitions: 1)))
        #expect(exists.obstacles == ["Topic one exists already."])
        #expect(try run(broker, exists).verdict == .failed)
        let name = try plan(broker, .createTopic(NewTopic(name: "bad name!", partitions: 1, replicationFactor: 1)))
        #expect(name.obstacles.first?.hasPrefix("INVALID_TOPIC_EXCEPTION") == true)
        let config = try plan(broker, .alterConfig(.topic("one"), set: [ConfigValue("no.such.key", "1")], delete: []))
        #expect(config.obstacles.first?.hasPrefix("INVALID_CONFIG") == true)
        let fewer = try plan(broker, .addPartitions(topic: "one", total: 2))
        #expect(fewer.obstacles.first?.hasPrefix("INVALID_PARTITIONS") == true)
        let replicas = try plan(broker, .createTopic(NewTopic(name: "rf", partitions: 1, replicationFactor: 3)))
        #expect(replicas.obstacles.first?.hasPrefix("INVALID_REPLICATION_FACTOR") == true)
    }

    @Test func messageIsProducedWhereTheKeySays() throws {
        let broker = try LiveBroker()
        try fill(broker, "orders", partitions: 3, each: 0)
        let key = Bytes("customer-7")
        let outcome = try perform(broker, .produce(NewMessage(topic: "orders", key: key, value: Bytes("{}"))))
        #expect(outcome.lines == ["Written to orders-\(keyedPartition(key, of: 3)) at offset 0."])
        #expect(outcome.undo == nil)
    }

    @Test func offsetsAreResetByEveryStrategyAndUndone() throws {
        let broker = try LiveBroker()
        try fill(broker, "log", partitions: 2, each: 10)
        func reset(_ strategy: ResetStrategy, _ scope: ResetScope = .topics(["log"])) throws -> [String] {
            let plan = try self.plan(broker, .resetOffsets(group: "g", scope: scope, strategy: strategy))
            #expect(plan.obstacles == [])
            let outcome = try run(broker, plan)
            #expect(outcome.verdict == .done, "\(outcome.lines)")
            return plan.rows.map { "\($0.cells[2])→\($0.cells[3])" }
        }
        #expect(try reset(.earliest) == ["-→0", "-→0"])
        #expect(try reset(.latest) == ["0→10", "0→10"])
        #expect(try reset(.shiftBy(-3)) == ["10→7", "10→7"])
        #expect(try reset(.current) == ["7→7", "7→7"])
        #expect(try reset(.offset(4), .partitions([TopicPartition("log", 1)])) == ["7→4"])
        #expect(try reset(.datetime(Timestamp(milliseconds: 1_700_000_005_500))) == ["7→6", "4→6"])
        #expect(try reset(.byDuration(milliseconds: 1000), .allTopics) == ["6→10", "6→10"])
        #expect(try reset(.file(name: "f.csv", csv: "log,0,2\n\"g\",\"log\",1,3\nother,log,1,9\n"), .allTopics) == ["10→2", "10→3"])
        #expect(try reset(.offset(99)) == ["2→10", "3→10"])
        let plan = try self.plan(broker, .resetOffsets(group: "g", scope: .allTopics, strategy: .earliest))
        let outcome = try run(broker, plan)
        try perform(broker, try #require(outcome.undo))
        #expect(try reset(.current, .allTopics) == ["10→10", "10→10"])
    }

    @Test func groupAndItsOffsetsAreDeletedAndBroughtBack() throws {
        let broker = try LiveBroker()
        try fill(broker, "log", partitions: 2, each: 5)
        try perform(broker, .resetOffsets(group: "g", scope: .topics(["log"]), strategy: .offset(3)))
        let forgotten = try perform(broker, .deleteGroupOffsets(group: "g", topic: "log"))
        try perform(broker, try #require(forgotten.undo))
        let deleted = try perform(broker, .deleteGroup("g"))
        #expect(throws: PlanError("Group g does not exist.")) { _ = try plan(broker, .deleteGroup("g")) }
        try perform(broker, try #require(deleted.undo))
        let back = try plan(broker, .deleteGroup("g"))
        #expect(back.rows.map(\.cells) == [["log", "0", "3", "no commit"], ["log", "1", "3", "no commit"]])
        #expect(back.confirmation == .typedName("g"))
    }

    @Test func recordsAreDeletedUpToAnOffset() throws {
        let broker = try LiveBroker()
        try fill(broker, "log", partitions: 2, each: 6)
        let records = [
            RecordsToDelete(TopicPartition("log", 0), before: 4), RecordsToDelete(TopicPartition("log", 1), before: .none),
        ]
        let plan = try self.plan(broker, .deleteRecords(records))
        #expect(plan.rows.map(\.cells) == [["log", "0", "0", "4", "4"], ["log", "1", "0", "6", "6"]])
        let outcome = try run(broker, plan)
        #expect(outcome.verdict == .done, "\(outcome.lines)")
        let beyond = try self.plan(broker, .deleteRecords([RecordsToDelete(TopicPartition("log", 0), before: 99)]))
        #expect(beyond.obstacles == ["log-0: offset 99 is beyond the end, 6."])
    }

    @Test func readOnlyIsEnforcedInTheRunner() throws {
        let broker = try LiveBroker()
        let plan = try self.plan(broker, .createTopic(NewTopic(name: "never", partitions: 1, replicationFactor: 1)))
        let outcome = try run(broker, plan, isReadOnly: true)
        #expect(outcome.verdict == .failed)
        #expect(outcome.lines == ["This session is read-only."])
        let answer = try broker.client.send(MetadataRequest())
        #expect(!answer.topics.contains { $0.name == "never" })
    }
}
