import Observatory
import Primitives
import Testing
import Wire

@testable import Commands

/// Plans as files, and JSON that anybody may have touched.
@Suite struct PlanFileTests {
    private func plan(_ action: PlanAction, _ steps: [PlanStep]) -> Plan {
        var plan = Plan(action: action, title: "a change")
        plan.columns = ["CONFIG", "BEFORE", "AFTER"]
        plan.rows = [.init(["retention.ms", "1", "2"]), .init(["cleanup.policy", "delete", "delete"], isChange: false)]
        plan.steps = steps
        return plan
    }

    static let actions: [PlanAction] = [
        .createTopic(NewTopic(name: "t", partitions: 3, replicationFactor: nil, configs: [ConfigValue("a", "\"\n")])), .deleteTopic("t"),
        .addPartitions(topic: "t", total: 9), .alterConfig(.topic("t"), set: [ConfigValue("k", "v")], delete: ["x"]),
        .alterConfig(ConfigResource(.broker, "1"), set: [], delete: ["x"]), .deleteGroup("g"), .deleteGroupOffsets(group: "g", topic: "t"),
        .resetOffsets(group: "g", scope: .allTopics, strategy: .file(name: "plan.json", csv: "t,0,5\n")),
        .deleteRecords([RecordsToDelete(TopicPartition("t", 1), before: 7)]),
        .reassign(
            Reassign(.partitions([TopicPartition("t", 0)]), .exact([PartitionReplicas(TopicPartition("t", 0), [1, 2])]), throttle: 5)),
        .cancelReassignments([TopicPartition("t", 0)]), .electLeaders(.partitions([TopicPartition("t", 0)]), unclean: true),
        .throttle(nil), .throttle(10), .setFeature("f", level: 2, isDowngrade: false),
        .alterQuota(QuotaSubject([("user", .named("a")), ("client-id", .byDefault)]), set: [ConfigValue("q", "1")], delete: []),
        .addAccess([AccessRule(.topic, "t", isPrefixed: true, principal: "User:a", .read, isDenied: true)]),
        .removeAccess([AccessRule(.group, "g", principal: "User:b", .all)]),
    ]

    @Test(arguments: actions.indices) func everyKindOfActionReadsBack(index: Int) throws {
        let action = PlanFileTests.actions[index]
        let json = try #require(ActionCoding.encode(action))
        #expect(ActionCoding.decode(try JSONParser.parse(json.text)) == action)
    }

    @Test func aPlanReadsBackAndKnowsWhatChanged() throws {
        let action = PlanAction.alterConfig(.topic("t"), set: [ConfigValue("retention.ms", "2")], delete: [])
        var plan = plan(action, [.alterConfig(.topic("t"), set: [ConfigValue("retention.ms", "2")], delete: [])])
        let made = try #require(PlanFile(plan, cluster: "c"))
        let file = try PlanFile(made.text, path: "p")
        #expect(file == made && file.differences(from: plan, cluster: "c").isEmpty)
        #expect(file.differences(from: plan, cluster: "d").first?.contains("made for cluster c") == true)
        plan.rows[0].cells[1] = "9"
        #expect(file.differences(from: plan, cluster: "c") == ["previewed: retention.ms | 1 | 2; now: retention.ms | 9 | 2"])
        plan.rows[0].cells[1] = "1"
        plan.steps = [.alterConfig(.topic("t"), set: [ConfigValue("retention.ms", "3")], delete: [])]
        #expect(file.differences(from: plan, cluster: "c") == ["its steps would not be the same"])
        plan.obstacles = ["No."]
        #expect(file.differences(from: plan, cluster: "c") == ["No."])
    }

    /// What depends on the moment is kept in the values it has come to.
    @Test func aResetKeepsItsOffsets() throws {
        let action = PlanAction.resetOffsets(group: "g", scope: .allTopics, strategy: .latest)
        let steps = [PlanStep.commitOffsets(group: "g", [OffsetToCommit(TopicPartition("t", 0), 50)])]
        let file = try #require(PlanFile(plan(action, steps), cluster: nil))
        guard case .resetOffsets("g", .allTopics, .file(_, let csv)) = file.action else { throw Odd.action }
        #expect(try OffsetsFile.parse(csv).rows.map(\.offset) == [50])
        #expect(PlanFile(plan(.produce(NewMessage(topic: "t", value: nil)), [.deleteTopic(name: "t")]), cluster: nil) == nil)
    }

    private enum Odd: Error { case action }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":1,}", "nul", "\"\\x\"", "\"\\ud800\"", "01x", "1 2", "\"\u{1}\"", "{1:2}", "--1",
        String(repeating: "[", count: 10_000),
    ])
    func jsonThatIsNoneIsRefused(text: String) {
        #expect(throws: JSONParser.Problem.self) { try JSONParser.parse(text) }
    }

    @Test func jsonThatIsSomeIsRead() throws {
        let text = #"{"a":[1,-2.5,true,null,"\u00e9\ud83d\ude00\n"],"a":{}}"#
        #expect(try JSONParser.parse(text)["a"] == .object([]))
        #expect(try JSONParser.parse(#"["\u00e9\ud83d\ude00\n"]"#) == .array([.string("é😀\n")]))
        let value = JSON.array([.string("\"\\\u{7f}\u{2028}\n"), .number(.min), .decimal(0.5), .object([])])
        #expect(try JSONParser.parse(value.text) == value)
    }
}
