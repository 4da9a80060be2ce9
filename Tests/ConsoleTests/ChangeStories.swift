import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// Changing the cluster from the keyboard.
@Suite struct ChangeStories {
    @Test func createTopic() {
        let driver = Driver().press("3 n").type("orders.v2").press("enter").type("12").press("enter").type("3").press(
            "enter right right enter")
        driver.type("7d").press("enter").type("min.insync.replicas=2").press("enter")
        var topic = NewTopic(name: "orders.v2", partitions: 12, replicationFactor: 3)
        topic.configs = [
            ConfigValue("cleanup.policy", "compact"), ConfigValue("retention.ms", "604800000"), ConfigValue("min.insync.replicas", "2"),
        ]
        driver.expectRequest(.plan(ticket: 1, .createTopic(topic))).expect("Working out the plan")
    }

    @Test(arguments: [
        ("", "needs a name"), ("a b", "Names are of letters"), ("..", "Names are of letters"),
        (String(repeating: "x", count: 250), "at most 249"),
    ])
    func badTopicNames(name: String, message: String) {
        let driver = Driver().press("3 n").type(name).press("tab tab tab tab tab tab enter").expect(message)
        #expect(!driver.takeRequests().contains { if case .plan = $0 { true } else { false } })
    }

    @Test func badNumbersStayInTheForm() {
        Driver().press("3 n").type("x").press("tab").type("many").press("backtab backtab backtab enter").expect(
            "Partitions: a number from 1")
        Driver().press("3 n").type("x").press("tab tab tab tab").type("soon").press("tab tab enter").expect("Retention:")
        Driver().press("3 n").type("x").press("tab tab tab tab tab").type("key").press("tab enter").expect("name=value")
    }

    @Test func deletingWantsTheNameTyped() {
        let driver = Driver().press("3 ctrl-d").expectRequest(.plan(ticket: 1, .deleteTopic("audit-log")))
        driver.send(.planned(ticket: 1, .success(Sample.deletePlan()))).expect("Type audit-log to go on").expect("kafka-topics.sh")
        driver.press("enter y enter tab tab enter")
        #expect(!driver.takeRequests().contains { if case .run = $0 { true } else { false } })
        driver.press("backtab backtab ctrl-u").type("audit-log").press("enter enter").expectRequest(.run(ticket: 1, Sample.deletePlan()))
            .expect("Working.")
        driver.send(.planProgress(ticket: 1, "Step 1 of 1: deleting")).expect("Step 1 of 1")
        driver.send(.planFinished(ticket: 1, Sample.outcome(.done))).expect("Done, and the cluster now is as planned.").press("enter")
        #expect(driver.console.overlay == nil)
    }

    @Test func enterAloneNeverApplies() {
        let driver = Driver().press("4 s enter enter enter").send(.planned(ticket: 1, .success(Sample.resetPlan())))
        driver.press("enter enter enter")
        #expect(!driver.takeRequests().contains { if case .run = $0 { true } else { false } })
    }

    @Test func escapingAPlanChangesNothing() {
        let driver = Driver().press("3 ctrl-d").send(.planned(ticket: 1, .success(Sample.deletePlan()))).type("audit-log").press("esc")
        #expect(driver.console.overlay == nil && !driver.takeRequests().contains { if case .run = $0 { true } else { false } })
    }

    @Test func aPlanThatComesTooLateIsDropped() {
        let driver = Driver().press("3 ctrl-d esc").send(.planned(ticket: 1, .success(Sample.deletePlan())))
        #expect(driver.console.overlay == nil)
        driver.press("down ctrl-d").send(.planned(ticket: 1, .success(Sample.deletePlan()))).expect("Working out the plan")
    }

    @Test func resetHasEveryStrategy() {
        let cases: [(Int, String, ResetStrategy)] = [
            (0, "", .earliest), (1, "", .latest), (2, "", .current), (3, "1234", .offset(1234)), (4, "-100", .shiftBy(-100)),
            (5, "2026-01-31T10:00", .datetime(CivilTime.timestamp(2026, 1, 31, 10, 0, 0, 0))),
            (6, "PT1H30M", .byDuration(milliseconds: 5_400_000)),
        ]
        for (steps, value, strategy) in cases {
            let driver = Driver().press("4 s tab")
            for _ in 0..<steps { driver.press("right") }
            driver.press("tab").type(value).press("enter")
            driver.expectRequest(.plan(ticket: 1, .resetOffsets(group: "billing", scope: .allTopics, strategy: strategy)))
        }
    }

    @Test func resetOfOneTopic() {
        let driver = Driver().press("4 s right enter enter enter")
        driver.expectRequest(.plan(ticket: 1, .resetOffsets(group: "billing", scope: .topics(["orders"]), strategy: .earliest)))
    }

    @Test func resetFromAFileReadsItFirst() {
        let driver = Driver().press("4 s tab").type("f").press("tab").type("offsets.csv").press("enter").expectRequest(
            .readFile(ticket: 1, name: "offsets.csv"))
        driver.send(.file(ticket: 1, name: "offsets.csv", .failure(ConsoleFailure("offsets.csv: No such file or directory.")))).expect(
            "No such file")
        driver.press("enter").send(.file(ticket: 2, name: "offsets.csv", .success("orders,0,5\n")))
        driver.expectRequest(
            .plan(ticket: 3, .resetOffsets(group: "billing", scope: .allTopics, strategy: .file(name: "offsets.csv", csv: "orders,0,5\n"))))
    }

    @Test func badResetValues() {
        for (steps, value) in [(3, "x"), (3, "-1"), (4, "zero"), (5, "yesterday"), (6, "soon"), (7, "")] {
            let driver = Driver().press("4 s tab")
            for _ in 0..<steps { driver.press("right") }
            driver.press("tab").type(value).press("enter")
            #expect(!driver.takeRequests().contains { if case .plan = $0 { true } else { false } })
        }
    }

    @Test func editFromThePlanComesBackToTheForm() {
        let driver = Driver().press("4 s enter enter enter").send(.planned(ticket: 1, .success(Sample.resetPlan()))).press("e").expect(
            "Topics"
        ).expect("to earliest")
        driver.press("backtab right enter enter").expectRequest(
            .plan(ticket: 2, .resetOffsets(group: "billing", scope: .allTopics, strategy: .latest)))
    }

    @Test func thePlansCommandCanBeCopied() {
        Driver().press("4 s enter enter enter").send(.planned(ticket: 1, .success(Sample.resetPlan()))).press("c")
            .expectRequest(.copy(Sample.resetPlan().kafkaCommand))
    }

    @Test func produce() {
        let driver = Driver().press("3 p").type("k1").press("enter").type("hello, world").press("enter").type("trace=1, by=me, too").press(
            "enter right enter enter enter enter")
        let headers = [NewMessage.Header("trace", Bytes("1")), NewMessage.Header("by", Bytes("me,too"))]
        driver.expectRequest(
            .plan(
                ticket: 1,
                .produce(NewMessage(topic: "audit-log", partition: 0, key: Bytes("k1"), value: Bytes("hello, world"), headers: headers))))
    }

    @Test func aTombstoneNeedsAKey() {
        let driver = Driver().press("3 p tab tab tab tab right enter enter enter").expect("A tombstone needs a key")
        driver.press("tab tab tab").type("gone").press("backtab backtab backtab enter")
        driver.expectRequest(.plan(ticket: 1, .produce(NewMessage(topic: "audit-log", key: Bytes("gone"), value: nil))))
    }

    @Test func pastedTextIsOneLineWithoutControls() {
        let driver = Driver().press("3 p tab").send(.input(.paste("a\nb\u{1B}[31mc\u{7}"))).press("enter enter enter enter enter enter")
        driver.expectRequest(.plan(ticket: 1, .produce(NewMessage(topic: "audit-log", value: Bytes("a b[31mc")))))
    }

    @Test func addPartitionsOnlyAdds() {
        let driver = Driver().press("3 down a").expect("12 partitions").press("ctrl-u").type("12").press("enter").expect(
            "can only be added")
        driver.press("ctrl-u").type("24").press("enter").expectRequest(.plan(ticket: 1, .addPartitions(topic: "clicks", total: 24)))
    }

    @Test func purge() {
        Driver().press("3 P tab enter").expectRequest(
            .plan(ticket: 1, .deleteRecords([RecordsToDelete(TopicPartition("audit-log", 0), before: .none)])))
        Driver().press("3 P right enter").type("55").press("enter")
            .expectRequest(.plan(ticket: 1, .deleteRecords([RecordsToDelete(TopicPartition("audit-log", 0), before: 55)])))
    }

    @Test func configsAreChangedAndTakenBack() {
        let driver = Driver().press("3 down down down e").expect("1d").press("down down down enter").expect("kept before old segments")
        driver.press("ctrl-u").type("3600000").press("enter")
        driver.expectRequest(.plan(ticket: 1, .alterConfig(.topic("orders"), set: [ConfigValue("retention.ms", "3600000")], delete: [])))
        driver.press("esc ctrl-d").expectRequest(.plan(ticket: 2, .alterConfig(.topic("orders"), set: [], delete: ["retention.ms"])))
        driver.press("esc g ctrl-d").expect("not set here")
        Driver().press("2 e").press("/").type("node.id").press("enter enter").expect("read-only")
    }

    @Test func groupsAreDeletedAndTopicsForgotten() {
        Driver().press("4 ctrl-d").expectRequest(.plan(ticket: 1, .deleteGroup("billing")))
        Driver().press("4 enter ctrl-d").expectRequest(.plan(ticket: 1, .deleteGroupOffsets(group: "billing", topic: "orders")))
    }

    @Test func undoPlansTheInverse() {
        let driver = Driver().press("3 z").expect("Nothing to undo.").press("ctrl-d").send(
            .planned(ticket: 1, .success(Sample.deletePlan())))
        driver.send(.planFinished(ticket: 1, Sample.outcome(.done))).expect("undoes it").press("enter z")
        driver.expectRequest(.plan(ticket: 2, .createTopic(NewTopic(name: "audit-log"))))
    }

    /// z goes back change by change, Z forward again; a change of another kind ends the way forward.
    @Test func undoneAndMadeAgain() {
        func outcome(_ undo: PlanAction?) -> PlanOutcome { PlanOutcome(title: "x", verdict: .done, lines: [], undo: undo) }
        let driver = Driver().press("3 Z").expect("Nothing was undone")
        driver.send(.planFinished(ticket: 8, outcome(.deleteTopic("first"))))
        driver.send(.planFinished(ticket: 9, outcome(.deleteTopic("second"))))
        driver.press("z").expectRequest(.plan(ticket: 1, .deleteTopic("second")))
        driver.send(.planFinished(ticket: 1, outcome(.createTopic(NewTopic(name: "second"))))).press("enter z")
        driver.expectRequest(.plan(ticket: 2, .deleteTopic("first"))).press("esc Z")
        driver.expectRequest(.plan(ticket: 3, .createTopic(NewTopic(name: "second"))))
        driver.send(.planFinished(ticket: 3, outcome(.deleteTopic("second")))).press("enter Z").expect("Nothing was undone")
        driver.press("z").expectRequest(.plan(ticket: 4, .deleteTopic("second"))).press("esc")
        // Not done: the way back stays as it was.
        driver.send(.planFinished(ticket: 4, PlanOutcome(title: "x", verdict: .failed, lines: ["no"]))).press("z")
        driver.expectRequest(.plan(ticket: 5, .deleteTopic("second"))).press("esc")
        driver.send(.planFinished(ticket: 7, outcome(nil))).press("z").expect("Nothing to undo.")
    }

    @Test func outcomesOfClosedDialogsFlash() {
        let driver = Driver().press("3").send(.planFinished(ticket: 9, Sample.outcome(.done))).expect(
            "Delete topic audit-log: done. z undoes it.")
        driver.send(.planFinished(ticket: 9, Sample.outcome(.doneButDiffers))).expect("done, but")
        driver.send(.planFinished(ticket: 9, Sample.outcome(.failed))).expect("is still there")
    }

    @Test func obstaclesAreShownAndTheOnlyWayIsBack() {
        var plan = Sample.resetPlan()
        plan.obstacles = ["The group has members."]
        let driver = Driver().press("4 s enter enter enter").send(.planned(ticket: 1, .success(plan))).expect("Cannot be done now")
            .expectNot("Apply")
        driver.press("tab tab enter")
        #expect(driver.console.overlay == nil && !driver.takeRequests().contains { if case .run = $0 { true } else { false } })
    }

    @Test func commandLine() {
        Driver().press(":").type("topics /pay").press("enter").expectPlace(.topics).expectRows(["payments"])
        Driver().press(":").type("g").press("enter").expectPlace(.groups)
        Driver().press(":").type("group bil").press("tab enter").expectPlace(.group("billing")).press("esc").expectPlace(.groups)
        Driver().press(":").type("tail orders -5").press("enter").expectPlace(.tail("orders"))
            .expectRequest(.startTail(TailQuery(session: 2, topic: "orders", start: .last(5))))
        Driver().press(":").type("theme li").press("tab enter").expectRequest(.setTheme("light"))
        Driver().press(":").type("q").press("enter").expectRequest(.quit)
        Driver().press(":").type("frobnicate").press("enter").expect("No command frobnicate")
        Driver().press(":").type("tail").press("enter").expect("tail wants a topic")
        Driver().press(":").type("create new1").press("enter").expect("New topic").expect("new1")
        Driver().send(.command("events")).expectPlace(.events)
    }

    @Test func commandHistory() {
        let driver = Driver().press(":").type("topics").press("enter :").type("groups").press("enter : up").expect(":groups")
        driver.press("up").expect(":topics").press("down down").expect(":").press("esc")
        #expect(driver.console.overlay == nil)
        driver.press(":").type("to").press("right enter").expectPlace(.topics)
    }
}
