import Glibc
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

    private static let moves = (0..<3).map { PartitionReplicas(TopicPartition("t", $0), [1, 2]) }

    private static func reassign(_ batch: ReassignBatch) -> PlanAction {
        .reassign(Reassign(.partitions(moves.map(\.partition)), .exact(moves), throttle: 5, batch: batch))
    }

    static let actions: [PlanAction] = [
        .createTopic(NewTopic(name: "t", partitions: 3, replicationFactor: nil, configs: [ConfigValue("a", "\"\n")])), .deleteTopic("t"),
        .addPartitions(topic: "t", total: 9), .alterConfig(.topic("t"), set: [ConfigValue("k", "v")], delete: ["x"]),
        .alterConfig(ConfigResource(.broker, "1"), set: [], delete: ["x"]), .deleteGroup("g"), .deleteGroupOffsets(group: "g", topic: "t"),
        .resetOffsets(group: "g", scope: .allTopics, strategy: .file(name: "plan.json", csv: "t,0,5\n")),
        .deleteRecords([RecordsToDelete(TopicPartition("t", 1), before: 7)]),
        .reassign(
            Reassign(.partitions([TopicPartition("t", 0)]), .exact([PartitionReplicas(TopicPartition("t", 0), [1, 2])]), throttle: 5)),
        reassign(.partitions(3)), reassign(.bytes(1 << 30)), reassign(.counts([2, 1])),
        .cancelReassignments([TopicPartition("t", 0)]), .electLeaders(.partitions([TopicPartition("t", 0)]), unclean: true),
        .throttle(nil), .throttle(10), .setFeature("f", level: 2, isDowngrade: false),
        .alterQuota(QuotaSubject([("user", .named("a")), ("client-id", .byDefault)]), set: [ConfigValue("q", "1")], delete: []),
        .addAccess([AccessRule(.topic, "t", isPrefixed: true, principal: "User:a", .read, isDenied: true)]),
        .removeAccess([AccessRule(.group, "g", principal: "User:b", .all)]),
        .schema(.register(subject: "s", format: "AVRO", text: "{\"type\":\"string\"}")), .schema(.deleteVersion(subject: "s", version: 2)),
        .schema(.deleteSubject("s")), .schema(.setCompatibility(subject: "s", level: "FULL")),
        .schema(.setCompatibility(subject: "s", level: nil)), .connect(.pause(connector)), .connect(.resume(connector)),
        .connect(.stop(connector)), .connect(.restart(connector, .everything)), .connect(.restart(connector, .failed)),
        .connect(.restart(connector, .task(3))), .connect(.delete(connector)),
        .connect(.alter(connector, set: [ConfigValue("tasks.max", "2")], delete: ["x"])),
        .connect(.create(connector, [ConfigValue("connection.password", "${file:/secrets:db}")])),
    ]
    static let connector = ConnectorName("connect:8083", "c")

    /// What is signed is all that is read of the file, and not the signatures.
    @Test func signaturesAreOfEverythingElse() throws {
        var file = try #require(PlanFile(plan(.deleteTopic("t"), [.deleteTopic(name: "t")]), cluster: "c"))
        let plain = file.text
        #expect(file.signedText == plain && !plain.contains("maker"))
        file.maker = "alice"
        let signed = file.signedText
        file.approvals = ["-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n"]
        #expect(signed != plain && file.signedText == signed && file.text != signed)
        let again = try PlanFile(file.text, path: "p")
        #expect(again == file && again.signedText == signed && again.approvals == file.approvals)
        #expect(PlanApproval.publicKey("U1NI") == nil && PlanApproval.publicKey("") == nil && PlanApproval.publicKey("%%") == nil)
        #expect(PlanApproval.publicKey("U1NIU0lHAAAAAQAAAANhYmNkZQ==") == Array("abc".utf8))
        #expect(PlanApproval.publicKey("U1NIU0lHAAAAAf////9hYmNkZQ==") == nil)
    }

    /// A secret is in no plan file and in no line of the audit, whoever sets it.
    @Test func aSecretOfAConnectorIsNotWritten() throws {
        let secret = [ConfigValue("connection.password", "hunter2"), ConfigValue("tasks.max", "2")]
        #expect(ActionCoding.encode(.connect(.create(PlanFileTests.connector, secret))) == nil)
        #expect(ActionCoding.encode(.connect(.configure(PlanFileTests.connector, secret))) == nil)
        var plan = plan(.connect(.configure(PlanFileTests.connector, secret)), [.connect(.configure(PlanFileTests.connector, secret))])
        plan.place = "http://connect:8083"
        plan.touches = ["2 tasks of the sink"]
        // One that was there before and stays is not part of the change.
        plan.inverse = .action(.connect(.configure(PlanFileTests.connector, [secret[0], ConfigValue("file", "a")])))
        let file = try #require(PlanFile(plan, cluster: "c"))
        #expect(!file.text.contains("hunter2") && file.cluster == nil)
        #expect(file.action == .connect(.alter(PlanFileTests.connector, set: [ConfigValue("tasks.max", "2")], delete: ["file"])))
        #expect(try PlanFile(file.text, path: "p") == file && file.differences(from: plan, cluster: "c").isEmpty)
        plan.touches = ["3 tasks of the sink"]
        #expect(file.differences(from: plan, cluster: nil) == ["previewed: 2 tasks of the sink; now: 3 tasks of the sink"])
        plan.place = "http://other:8083"
        #expect(file.differences(from: plan, cluster: nil).first?.contains("made for http://connect:8083") == true)
        plan.inverse = .action(.connect(.configure(PlanFileTests.connector, [])))
        #expect(PlanFile(plan, cluster: nil) == nil && PlanFile.refusal(plan).contains("connection.password, a secret"))
    }

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

    /// Broken off, some of it is there: what is left is what was previewed, and nothing else may have changed.
    @Test func movesInBatchesThatWereBrokenOffCanBeApplied() throws {
        let batches = [Array(PlanFileTests.moves[..<2]), Array(PlanFileTests.moves[2...])]
        var plan = plan(.reassign(Reassign(.topics(["t"]), .factor(2), batch: .partitions(2))), [.reassignInBatches(batches)])
        plan.columns = ["PARTITION", "BEFORE", "AFTER", "TO COPY"]
        plan.rows = (0..<3).map { .init(["t-\($0)", "1", "1,2", "5 MiB"]) }
        let file = try #require(PlanFile(plan, cluster: "c"))
        let moves = PlanFileTests.moves
        #expect(file.action == .reassign(Reassign(.partitions(moves.map(\.partition)), .exact(moves), batch: .counts([2, 1]))))
        var left = plan
        left.rows.removeFirst()
        left.steps = [.reassignInBatches([[batches[0][1]], batches[1]])]
        #expect(file.differences(from: left, cluster: "c").isEmpty)
        left.rows[0].cells[2] = "1,3"
        #expect(file.differences(from: left, cluster: "c") == ["previewed: t-1 | 1 | 1,2; now: t-1 | 1 | 1,3"])
        var all = plan
        all.steps = [.reassign(PlanFileTests.moves)]
        all.rows.removeFirst()
        #expect(!file.differences(from: all, cluster: "c").isEmpty, "not in batches, not half done")
    }

    /// A beginning without an end can be gone on with, by a plan that is known as the same; nothing else can.
    @Test func theAuditKnowsWhatWasNotFinished() throws {
        let file = "/tmp/kastellan-audit-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).jsonl"
        defer { unlink(file) }
        var audit = Audit(surface: "command", context: nil, bootstrap: "b:1")
        audit.file = file
        #expect(throws: Failure.self) { try Audit.unfinished(cluster: "c", in: file) }
        var plan = plan(
            .reassign(Reassign(.topics(["t"]), .factor(2), batch: .partitions(2))),
            [.reassignInBatches([Array(PlanFileTests.moves[..<2]), Array(PlanFileTests.moves[2...])])])
        plan.inverse = .action(PlanFileTests.reassign(.partitions(2)))
        let first = AuditLine(audit, plan, "c")
        first.begin { _ in }
        first.begin { _ in }
        let unfinished = try Audit.unfinished(cluster: "c", in: file)
        guard case .reassign(let wish) = unfinished.action else { throw Odd.action }
        #expect(wish.batch == .counts([2, 1]) && wish.target == .exact(PlanFileTests.moves))
        #expect(throws: Failure.self) { try Audit.unfinished(cluster: "another", in: file) }
        // Gone on with: one of the three has got there. It ends what was begun before.
        var rest = self.plan(unfinished.action, [.reassignInBatches([[PlanFileTests.moves[1]], [PlanFileTests.moves[2]]])])
        rest.inverse = .action(.reassign(Reassign(.all, .exact([PlanFileTests.moves[2]]))))
        let second = AuditLine(audit, rest, "c")
        second.begin { _ in }
        let again = try Audit.unfinished(cluster: "c", in: file)
        #expect(again.action == unfinished.action)
        second.end(PlanOutcome(title: "a change", verdict: .done, lines: [], undo: .deleteTopic("t"))) { _ in }
        #expect(throws: Failure.self) { try Audit.unfinished(cluster: "c", in: file) }
        let lines = try SessionFiles.read(file).get().split(separator: "\n")
        // What takes it back takes back what was done before it was broken off, too.
        let undo = try #require(ActionCoding.encode(PlanFileTests.reassign(.partitions(2)))).text
        #expect(lines.allSatisfy { $0.contains("\"undo\":\(undo)") })
        #expect(lines.count == 3 && lines[1].contains("\"ends\":\"\(unfinished.id)\"") && lines[2].contains("\"ends\":"))
        // A plan that is carried out at once has no beginning of its own.
        let plain = self.plan(.deleteTopic("t"), [.deleteTopic(name: "t")])
        AuditLine(audit, plain, "c").begin { _ in }
        #expect(try SessionFiles.read(file).get().split(separator: "\n").count == 3)
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
