import ClientCore
import Observatory
import Payloads
import Primitives
import Synchronization
import Testing

@testable import Commands

/// A Connect of one connector that does what it is told, or not at once, or not at all.
private final class FakeConnect: Sendable {
    struct State: Sendable {
        var config = ["connector.class": "org.example.FileStreamSink", "topics": "a", "sasl.password": "hunter2"]
        var state = "RUNNING"
        var tasks = ["RUNNING", "FAILED"]
        var isThere = true
        /// Reads until what was asked for shows.
        var delay = 0
        var pending: String?
        var asked: [String] = []
        var refusal: (Int, String)?
        var objection = ""
    }
    let state = Mutex(State())

    var cluster: ConnectCluster {
        ConnectCluster(name: "connect:8083") { [self] method, path, body in
            state.withLock { .success(FakeConnect.answer(&$0, method, path, body ?? "")) }
        }
    }
    var planner: ConnectPlanner {
        var access = ConnectAccess()
        access.clusters = [(cluster, "http://connect:8083")]
        return ConnectPlanner(access: access, looks: 3, pause: {})
    }

    private static func answer(_ state: inout State, _ method: String, _ path: String, _ body: String) -> (status: Int, body: [UInt8]) {
        func json(_ status: Int, _ text: String) -> (status: Int, body: [UInt8]) { (status, Array(text.utf8)) }
        if method == "GET", path.hasSuffix("/status") {
            if let pending = state.pending {
                state.delay -= 1
                if state.delay < 0 { (state.state, state.pending) = (pending, nil) }
            }
            let tasks = state.tasks.enumerated().map { "{\"id\":\($0),\"state\":\"\($1)\",\"worker_id\":\"w:1\"}" }.joined(separator: ",")
            let connector = "{\"state\":\"\(state.state)\",\"worker_id\":\"w:1\"}"
            return json(200, "{\"name\":\"s\",\"connector\":\(connector),\"tasks\":[\(tasks)],\"type\":\"sink\"}")
        }
        if method == "GET" {
            guard state.isThere else { return json(404, "{\"error_code\":404,\"message\":\"Connector s not found\"}") }
            let config = state.config.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
            return json(200, "{\"name\":\"s\",\"config\":{\(config)},\"tasks\":[]}")
        }
        if path.hasSuffix("/validate") {
            return json(200, "{\"configs\":[{\"value\":{\"name\":\"tasks.max\",\"errors\":[\(state.objection)]}}]}")
        }
        state.asked.append("\(method) \(path)")
        if let (status, words) = state.refusal { return json(status, "{\"message\":\"\(words)\"}") }
        switch path.split(separator: "/").last {
        case "pause"?: state.pending = "PAUSED"
        case "stop"?: state.pending = "STOPPED"
        case "resume"?: state.pending = "RUNNING"
        case "config"?: state.config = ["connector.class": "org.example.FileStreamSink", "topics": body.contains("\"b\"") ? "b" : "a"]
        case "s"? where method == "DELETE": state.isThere = false
        case "connectors"?: state.isThere = true
        default: state.tasks = state.tasks.map { _ in "RUNNING" }
        }
        return (204, [])
    }
}

@Suite struct ConnectPlannerTests {
    private let name = ConnectorName("connect:8083", "s")
    private let now = Instant(nanoseconds: 1)

    @Test func aPauseIsShownDoneAndLookedAtUntilItIsSo() throws {
        let fake = FakeConnect()
        fake.state.withLock { $0.delay = 2 }
        let plan = try fake.planner.plan(.pause(name))
        #expect(plan.rows.map(\.cells) == [
            ["s", "connector", "w:1", "RUNNING", "PAUSED"], ["s", "task 0", "w:1", "RUNNING", "PAUSED"],
            ["s", "task 1", "w:1", "FAILED", "FAILED"],
        ])
        #expect(plan.rows.map(\.isChange) == [true, true, false], "what has failed stays failed")
        #expect(plan.kafkaCommand == "curl -X PUT 'http://connect:8083/connectors/s/pause'" && plan.toolWords == "With curl")
        #expect(plan.inverse == .action(.connect(.resume(name))) && plan.touches.contains("its consumers are the group connect-s"))
        #expect(fake.state.withLock { $0.asked } == [])
        let outcome = fake.planner.run(plan, gate: .open, now: now)
        #expect(outcome == PlanOutcome(title: "Pause connector s", verdict: .done, lines: ["s is paused."], undo: .connect(.resume(name))))
        let again = try fake.planner.plan(.pause(name))
        #expect(!again.isRunnable && again.rows.isEmpty, "it is so already")
        #expect(try fake.planner.plan(.stop(name)).inverse == .action(.connect(.pause(name))))
    }

    @Test func whatDoesNotComeToBeIsSaid() throws {
        let fake = FakeConnect()
        fake.state.withLock { $0.delay = 100 }
        let outcome = fake.planner.run(try fake.planner.plan(.pause(name)), gate: .open, now: now)
        #expect(outcome.verdict == .doneButDiffers && outcome.lines == ["It is RUNNING still."])
        fake.state.withLock { $0.refusal = (409, "rebalance in progress") }
        let refused = fake.planner.run(try fake.planner.plan(.stop(name)), gate: .open, now: now)
        #expect(refused.verdict == .failed && refused.lines == ["connect:8083 cannot do it now (409): rebalance in progress."])
    }

    @Test func aClosedGateLetsNothingThrough() throws {
        let fake = FakeConnect()
        let plan = try fake.planner.plan(.delete(name))
        #expect(plan.confirmation == .typedName("s"))
        let outcome = fake.planner.run(plan, gate: .closed("Read-only."), now: now)
        #expect(outcome.verdict == .failed && outcome.lines == ["Read-only."] && fake.state.withLock { $0.asked } == [])
        // Nor does the runner of the cluster's own changes take it.
        var runner = PlanRunner(plan, gate: .open)
        let said = runner.start(now: Now(instant: now, wall: .none))
        var ended: PlanOutcome?
        for effect in said { if case .output(.finished(let outcome)) = effect { ended = outcome } }
        #expect(ended?.verdict == .failed && ended?.lines == ["This is for whoever asks the registry, or Connect."])
    }

    @Test func aConfigIsComparedWithSecretsHidden() throws {
        let fake = FakeConnect()
        var wanted = [ConfigValue("connector.class", "org.example.FileStreamSink"), ConfigValue("topics", "b")]
        let plan = try fake.planner.plan(.configure(name, wanted))
        #expect(plan.rows.map(\.cells) == [["sasl.password", "(hidden)", "-"], ["topics", "a", "b"]])
        #expect(fake.planner.run(plan, gate: .open, now: now).verdict == .done)
        guard case .action(.connect(.configure(_, let before))) = plan.inverse else {
            Issue.record("no way back: \(plan.inverse)")
            return
        }
        #expect(before.contains(ConfigValue("sasl.password", "hunter2")), "back is back to what was there")
        fake.state.withLock { $0.objection = "\"Not a number\"" }
        wanted.append(ConfigValue("tasks.max", "many"))
        let bad = try fake.planner.plan(.configure(name, wanted))
        #expect(bad.obstacles == ["tasks.max: Not a number"] && !bad.isRunnable)
        #expect(ActionCoding.encode(plan.action) == nil, "a config is in no file of ours")
    }

    @Test func restartsAreOfWhatTheySay() throws {
        let fake = FakeConnect()
        #expect(try fake.planner.plan(.restart(name, .failed)).rows.map { $0.cells[1] } == ["task 1"])
        #expect(try fake.planner.plan(.restart(name, .everything)).rows.count == 3)
        #expect(try fake.planner.plan(.restart(name, .task(7))).obstacles == ["It has no task 7."])
        let plan = try fake.planner.plan(.restart(name, .failed))
        #expect(fake.planner.run(plan, gate: .open, now: now).verdict == .done)
        #expect(fake.state.withLock { $0.asked } == ["POST /connectors/s/restart?includeTasks=true&onlyFailed=true"])
        #expect(try fake.planner.plan(.restart(name, .failed)).rows.isEmpty, "nothing failed any more")
    }

    @Test func whatIsDeletedCanBeMadeAgain() throws {
        let fake = FakeConnect()
        let outcome = fake.planner.run(try fake.planner.plan(.delete(name)), gate: .open, now: now)
        #expect(outcome.verdict == .done)
        guard case .connect(let undo)? = outcome.undo, case .create(_, let config) = undo else {
            Issue.record("no undo")
            return
        }
        #expect(config.count == 3)
        let back = fake.planner.run(try fake.planner.plan(undo), gate: .open, now: now)
        #expect(back.verdict == .done && back.undo == .connect(.delete(name)))
        #expect(throws: ConnectFailure("connect:8083 has a connector s already")) { try fake.planner.plan(undo) }
        #expect(throws: ConnectFailure("No Connect is known at elsewhere:1")) {
            try fake.planner.plan(.pause(ConnectorName("elsewhere:1", "s")))
        }
    }
}
