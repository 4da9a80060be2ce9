import Glibc
import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// Every view at three sizes against the pictures in Tests/Fixtures/screens: text, then the styles of each row. Drawn anew with
/// `KASTELLAN_UPDATE_GOLDENS=1 swift test`, and then looked at before they are committed.
@Suite struct Screens {
    static let sizes = [(80, 24), (120, 40), (200, 60)]
    static let folder = (#filePath.split(separator: "/").dropLast(2).map(String.init) + ["Fixtures", "screens"]).reduce("") {
        $0 + "/" + $1
    }

    @Test(arguments: SampleScreen.all.map(\.name))
    func screen(name: String) throws {
        let sample = try #require(SampleScreen.all.first { $0.name == name })
        for (width, height) in Screens.sizes {
            let driver = sample.make(width, height)
            let grid = driver.screen
            let picture = grid.text + "----\n" + grid.styleRuns
            let path = "\(Screens.folder)/\(name)-\(width)x\(height).txt"
            compare(picture, path)
        }
    }

    /// With the golden file, or into it where that is asked for.
    func compare(_ picture: String, _ path: String) {
        if getenv("KASTELLAN_UPDATE_GOLDENS") != nil {
            write(picture, path)
        } else {
            #expect(read(path) == picture, "not as in \(path):\n\(picture)")
        }
    }

    private func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func write(_ text: String, _ path: String) {
        guard let file = fopen(path, "w") else {
            Issue.record("cannot write \(path)")
            return
        }
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        fwrite(bytes, 1, bytes.count, file)
    }
}

/// A screen and the keys that lead to it.
struct SampleScreen: Sendable {
    var name: String
    var make: @Sendable (Int, Int) -> Driver

    enum Cluster: Sendable {
        case busy, empty, hostile, unknown, many, replicating, reconciling, lagging, administered, refused, sharing, upgrading

        var snapshot: ClusterSnapshot {
            switch self {
            case .busy: Sample.busy()
            case .empty: Sample.empty()
            case .hostile: Sample.hostile()
            case .unknown: ClusterSnapshot()
            case .many: Sample.many(300)
            case .replicating: Sample.replicating()
            case .reconciling: Sample.reconciling()
            case .lagging: Sample.lagging()
            case .administered: Sample.administered()
            case .refused: Sample.refused()
            case .sharing: Sample.sharing()
            case .upgrading: Sample.upgrading()
            }
        }
    }

    init(_ name: String, _ keys: String = "", from cluster: Cluster = .busy, then: @escaping @Sendable (Driver) -> Void = { _ in }) {
        self.name = name
        make = { width, height in
            let driver = Driver(cluster.snapshot, width: width, height: height)
            driver.press(keys)
            then(driver)
            return driver
        }
    }

    static let all: [SampleScreen] =
        views + texts + tails + dialogs + states + replication + chaos + lag + administration + clients + connect + registry

    private static let views = [
        SampleScreen("overview"), SampleScreen("brokers", "2"), SampleScreen("topics", "3"), SampleScreen("topic", "3 down enter"),
        SampleScreen("groups", "4"), SampleScreen("group", "4 enter"), SampleScreen("group-members", "4 enter tab"),
        SampleScreen("group-epochs", "4 enter tab", from: .reconciling), SampleScreen("groups-epochs", "4", from: .reconciling),
        SampleScreen("describe-group-epochs", "4 d", from: .reconciling),
        SampleScreen("groups-share", "4", from: .sharing), SampleScreen("group-share", "4 down down down enter", from: .sharing),
        SampleScreen("group-share-members", "4 down down down enter tab", from: .sharing),
        SampleScreen("describe-group-share", "4 down down down d", from: .sharing),
        SampleScreen("events", "5"),
        SampleScreen("configs", "3 down down down e"), SampleScreen("topics-sorted-marked", "3 shift-right g space space"),
        SampleScreen("topics-many", "3 G", from: .many),
        SampleScreen("topics-filtered", "3 /") { $0.type("o.*s") },
        SampleScreen("contexts", "@") { driver in
            driver.console = Driver.withContexts(.guarded, width: driver.console.width, height: driver.console.height).press("@").console
        },
        SampleScreen("clusters", "*") { driver in
            driver.console = Driver.withClusters(width: driver.console.width, height: driver.console.height).console
        },
        SampleScreen("describe-cluster", "*") { driver in
            driver.console = Driver.withClusters(width: driver.console.width, height: driver.console.height).press("end d").console
        },
    ]
    private static let replication = [
        SampleScreen("partitions", "6", from: .replicating), SampleScreen("partitions-under-min", "6 f f f", from: .replicating),
        SampleScreen("partitions-none", "6", from: .empty) { $0.press("f") },
        SampleScreen("reassignments", "7", from: .replicating), SampleScreen("reassignments-none", "7"),
        SampleScreen("quorum", "8", from: .replicating), SampleScreen("topic-moving", "3 down down down enter", from: .replicating),
        SampleScreen("topic-replicas", "3 G enter down tab", from: .replicating),
        SampleScreen("overview-replicating", from: .replicating), SampleScreen("events-replicating", "5", from: .replicating),
        SampleScreen("describe-partition", "7 d", from: .replicating),
        SampleScreen("form-reassign", "3 m tab tab", from: .replicating) { $0.type("50M") },
        SampleScreen("form-elect", "6 L right", from: .replicating), SampleScreen("form-drain", "2 D right", from: .replicating),
        SampleScreen("form-throttle", "7 T", from: .replicating),
        SampleScreen("plan-batches", from: .replicating) { Sample.moveInBatches($0) },
        SampleScreen("reassignments-batches", from: .replicating) {
            Sample.moveInBatches($0)
            $0.press("esc 7")
        },
        SampleScreen("plan-reassign", "3 m tab tab tab enter", from: .replicating) {
            $0.send(.planned(ticket: 1, .success(Sample.reassignPlan())))
        },
    ]
    private static let lag = [
        SampleScreen("lag-groups", "4", from: .lagging), SampleScreen("lag-groups-worst", "4 S O", from: .lagging),
        SampleScreen("lag-group", "4 down down enter", from: .lagging), SampleScreen("why-group", "4 down down w", from: .lagging),
        SampleScreen("why-slow", "4 w", from: .lagging), SampleScreen("why-loss", "4 G w", from: .lagging),
        SampleScreen("why-topic", "3 w", from: .lagging), SampleScreen("why-partition", "6 w", from: .replicating),
        SampleScreen("why-broker", "2 down down w", from: .replicating), SampleScreen("heat-traffic", "9", from: .lagging),
        SampleScreen("heat-size", "9 f", from: .replicating),
        SampleScreen("past", "4", from: .lagging) { $0.goBack() }, SampleScreen("compare", "4", from: .lagging) { $0.goBack().press("=") },
        SampleScreen("heat-lag", "9 f f", from: .lagging),
    ]
    private static let administration = [
        SampleScreen("transactions", "ctrl-t", from: .administered), SampleScreen("transaction", "ctrl-t down enter", from: .administered),
        SampleScreen("hanging", "ctrl-t H", from: .administered), SampleScreen("acls", "A", from: .administered),
        SampleScreen("quotas", "Q", from: .administered), SampleScreen("users", "U", from: .administered),
        SampleScreen("acls-refused", "A", from: .refused) { $0.send(.snapshot(Sample.refused())) },
        SampleScreen("form-rule", "A down down n", from: .administered), SampleScreen("form-quota", "Q n", from: .administered),
        SampleScreen("features", "%", from: .administered) { $0.send(.snapshot(Sample.upgraded())) },
        SampleScreen("features-upgrading", "%", from: .upgrading), SampleScreen("apis", "% tab", from: .upgrading),
        SampleScreen("features-refused", "%", from: .refused), SampleScreen("form-feature", "% e", from: .upgrading),
        SampleScreen("diff", "3") { Sample.compared($0) }, SampleScreen("diff-away", "3") { Sample.comparedInVain($0) },
        SampleScreen("alerts", ":") { $0.alerted() }, SampleScreen("alerts-none", ":") { $0.type("alerts").press("enter") },
        SampleScreen("plan-abort", "ctrl-t H ctrl-d", from: .administered) { $0.send(.planned(ticket: 1, .success(Sample.abortPlan()))) },
    ]
    private static let clients = [
        SampleScreen("clients", ":") { Sample.clients($0) }, SampleScreen("clients-connections", ":") { Sample.clients($0).press("f 0") },
        SampleScreen("clients-none", ":") {
            $0.type("clients").press("enter").send(.clients(.census(Sample.census(at: 0, []))))
        },
        SampleScreen("clients-inferred", "V", from: .administered) { Sample.inferredClients($0) },
        SampleScreen("describe-client", ":") { Sample.clients($0).press("down d") },
        SampleScreen("describe-client-inferred", "V", from: .administered) { Sample.inferredClients($0).press("G d") },
    ]
    private static let connect = [
        SampleScreen("connectors", "J") { Sample.connect($0) }, SampleScreen("connectors-none", "J") { $0.send(.connect(.noConnect)) },
        SampleScreen("connectors-two", "J") { Sample.connect($0, isAwayToo: true) },
        SampleScreen("connector", "J") { Sample.connect($0).press("down enter") },
        SampleScreen("describe-connector", "J") { Sample.connect($0).press("down d") },
        SampleScreen("form-connector", "J") { Sample.connect($0).press("n") },
    ]
    private static let registry = [
        SampleScreen("schemas", "W") { Sample.schemas($0) }, SampleScreen("schemas-none", "W") { $0.send(.schemas(.noRegistry)) },
        SampleScreen("schema", "W") { Sample.versions($0) },
        SampleScreen("schema-text", "W") {
            Sample.versions($0)
            $0.press("enter")
        },
        SampleScreen("schema-diff", "W") {
            Sample.versions($0)
            $0.press("D")
        },
        SampleScreen("form-schema", "W n"),
    ]
    private static let chaos = [
        SampleScreen("brokers-chaos", "2", from: .replicating) { $0.send(.chaos(Sample.conditions)) },
        SampleScreen("chaos-menu", "2 down", from: .replicating) { $0.send(.chaos(Sample.conditions)).press("X") },
    ]
    private static let texts = [
        SampleScreen("help", "3 ?"), SampleScreen("describe-topic", "3 down down down d"), SampleScreen("describe-group", "4 d"),
        SampleScreen("describe-broker", "2 d"), SampleScreen("describe-event", "5 down down d"),
    ]
    private static let tails = [
        SampleScreen("tail", "3 down down down l") { $0.send(.tail(Sample.messages(session: 1))) },
        SampleScreen("tail-pretty", "3 down down down l") { $0.send(.tail(Sample.messages(session: 1))).press("y h") },
        SampleScreen("tail-hex-wrap", "3 down down down l") { $0.send(.tail(Sample.messages(session: 1))).press("x w") },
        SampleScreen("tail-filtered", "3 down down down l") {
            $0.send(.tail(Sample.messages(session: 1))).press("/").type("v:amount !k:c-3").press("enter up m")
        },
        SampleScreen("tail-empty", "3 l") { $0.send(.tail(TailUpdate(session: 1, isCaughtUp: true))) },
        SampleScreen("message", "3 down down down l") { $0.send(.tail(Sample.messages(session: 1))).press("up up enter") },
        SampleScreen("message-binary", "3 down down down l") { $0.send(.tail(Sample.messages(session: 1))).press("up enter") },
    ]
    private static let dialogs = [
        SampleScreen("form-create", "3 n") { $0.type("new-topic").press("tab").type("12") },
        SampleScreen("form-reset", "4 s tab right right"), SampleScreen("form-produce", "3 p"),
        SampleScreen("form-config", "3 down down down e down down down enter"),
        SampleScreen("plan-reset", "4 s enter enter enter") { $0.send(.planned(ticket: 1, .success(Sample.resetPlan()))) },
        SampleScreen("plan-delete", "3 ctrl-d") { $0.send(.planned(ticket: 1, .success(Sample.deletePlan()))).type("audit") },
        SampleScreen("plan-refused", "3 ctrl-d") { $0.send(.planned(ticket: 1, .failure(PlanError("Topic audit-log does not exist.")))) },
        SampleScreen("plan-done", "3 ctrl-d") { $0.send(.planFinished(ticket: 1, Sample.outcome(.done))) },
        SampleScreen("menu", "3 x"), SampleScreen("command", "3 :") { $0.type("gro") }, SampleScreen("quit", "q"),
    ]
    private static let states = [
        SampleScreen("empty-overview", from: .empty), SampleScreen("empty-topics", "3", from: .empty),
        SampleScreen("empty-groups", "4", from: .empty), SampleScreen("empty-events", "5", from: .empty),
        SampleScreen("connecting", "3", from: .unknown),
        SampleScreen("disconnected", "3") { driver in
            driver.milliseconds = 12_000
            var snapshot = Sample.busy()
            snapshot.connection = .disconnected(since: noon, reason: "connection refused")
            driver.send(.snapshot(snapshot))
        },
        SampleScreen("refused-login", "3", from: .unknown) { driver in
            var snapshot = ClusterSnapshot()
            let reason = "authentication failed: kafka-1:9092: Authentication failed: Invalid username or password"
            snapshot.connection = .disconnected(since: noon, reason: reason)
            driver.send(.snapshot(snapshot))
        },
        SampleScreen("stale", "4") { _ = $0.wait(12_000) },
        SampleScreen("flash", "3 c"), SampleScreen("hostile", "4", from: .hostile),
    ]
}

extension Sample {
    static func message(_ partition: Int32, _ offset: Int64, key: String?, value: Bytes?, headers: [TailMessage.Header] = []) -> TailMessage
    {
        TailMessage(
            partition: TopicPartition("orders", partition), offset: Offset(offset),
            timestamp: Timestamp(milliseconds: noon.milliseconds + offset * 17),
            key: key.map { Bytes($0) }, value: value, headers: headers)
    }

    static func messages(session: Int) -> TailUpdate {
        var out: [TailMessage] = []
        for i in 0..<40 {
            let amount = "\(i * 37 % 101).\(i % 10)0"
            let items = "[{\"sku\":\"A-\(i)\",\"n\":\(i % 3 + 1)}]"
            var text = "{\"order\":\(1000 + i),\"customer\":\"c-\(i % 7)\",\"amount\":\(amount),\"currency\":\"EUR\","
            text += "\"items\":\(items),\"express\":\(i % 2 == 0),\"note\":null}"
            let headers = i % 5 == 0 ? [TailMessage.Header("trace-id", Bytes("4bf92f3577b3"))] : []
            out.append(message(Int32(i % 3), Int64(i), key: "c-\(i % 7)", value: Bytes(text), headers: headers))
        }
        out.append(message(0, 40, key: "c-1", value: nil))
        out.append(message(1, 41, key: nil, value: Bytes("plain text with ünïcode, 日本語 and \u{1B}[31m an escape")))
        out.append(
            message(
                2, 42, key: "bin", value: Bytes([0, 1, 2, 0xFF, 0xFE, 0x80, 0x41, 0x42, 0x1B, 0x5B, 0x32, 0x4A, 9, 10, 13, 0xC3, 0x28])))
        out.append(
            message(0, 43, key: "last", value: Bytes("{\"amount\":0,\"deep\":{\"a\":{\"b\":[1,2,[3,4]]}},\"empty\":{},\"none\":[]}")))
        return TailUpdate(session: session, messages: out, isCaughtUp: true)
    }

    static func deletePlan() -> Plan {
        var plan = Plan(action: .deleteTopic("audit-log"), title: "Delete topic audit-log")
        plan.columns = ["TOPIC", "PARTITIONS", "MESSAGES", "SIZE"]
        plan.rows = [Plan.Row(["audit-log", "1", "1,204", "3.4 MiB"])]
        plan.touches = ["1 partition, 3 replicas on 3 brokers", "1,204 messages", "no consumer group has read it"]
        plan.kafkaCommand = "kafka-topics.sh --bootstrap-server localhost:9092 --delete --topic audit-log"
        plan.inverse = .none("The messages are gone for good. The topic can be made anew, empty, with the same settings.")
        plan.confirmation = .typedName("audit-log")
        plan.steps = [.deleteTopic(name: "audit-log")]
        return plan
    }

    static func abortPlan() -> Plan {
        let partition = TopicPartition("clicks", 2)
        let action = PlanAction.abortTransaction(TransactionToAbort(partition, .startOffset(9_800_000)))
        var plan = Plan(action: action, title: "Abort a transaction in clicks-2")
        plan.columns = ["PARTITION", "PRODUCER-ID", "PRODUCER-EPOCH", "COORDINATOR-EPOCH", "START-OFFSET", "LAST-TIMESTAMP", "CHANGE"]
        plan.rows = [Plan.Row(["clicks-2", "3977", "12", "0", "9800000", "1795249600000", "abort"])]
        plan.touches = ["Readers with read_committed go on beyond offset 9800000; they will never see the transaction's records."]
        plan.kafkaCommand =
            "kafka-transactions.sh --bootstrap-server localhost:9092 abort --topic clicks --partition 2 --start-offset 9800000"
        plan.inverse = .none("An aborted transaction's records stay unread.")
        plan.confirmation = .typedName("clicks-2")
        plan.steps = [.deleteTopic(name: "clicks")]
        return plan
    }

    static func resetPlan() -> Plan {
        var plan = Plan(
            action: .resetOffsets(group: "billing", scope: .allTopics, strategy: .earliest), title: "Reset offsets of group billing")
        plan.columns = ["TOPIC", "PARTITION", "BEFORE", "AFTER", "CHANGE"]
        for i in 0..<6 {
            let end = Int64(1_204_311 + i * 1313)
            plan.rows.append(Plan.Row(["orders", String(i), Format.count(end), "0", Format.count(-end)], isChange: i != 3))
        }
        plan.touches = ["6 partitions of 1 topic for group billing", "about 7,245,411 messages will be read again"]
        plan.warnings = ["orders-3: clamped to the first offset that is still there."]
        plan.kafkaCommand =
            "kafka-consumer-groups.sh --bootstrap-server localhost:9092 --group billing --reset-offsets --all-topics"
            + " --to-earliest --execute"
        plan.inverse = .action(.deleteGroup("billing"))
        plan.steps = [.commitOffsets(group: "billing", [])]
        return plan
    }

    static func outcome(_ verdict: PlanOutcome.Verdict) -> PlanOutcome {
        PlanOutcome(
            title: "Delete topic audit-log", verdict: verdict,
            lines: verdict == .done ? ["Deleted topic audit-log."] : ["Topic audit-log is still there."],
            undo: .createTopic(NewTopic(name: "audit-log")))
    }
}
