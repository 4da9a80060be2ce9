import Grid
import Observatory
import Primitives
import Testing

@testable import Console

extension Sample {
    /// Four partitions in three batches.
    static func batchedPlan() -> Plan {
        let moves = (0..<4).map { PartitionReplicas(TopicPartition("orders", $0), [2, 3]) }
        let wish = Reassign(.topics(["orders"]), .brokers([2, 3], factor: nil), batch: .partitions(2))
        var plan = Plan(action: .reassign(wish), title: "Reassign topic orders to brokers 2,3")
        plan.columns = ["PARTITION", "BEFORE", "AFTER", "TO COPY", "LEADER"]
        plan.rows = moves.map { Plan.Row([$0.partition.description, "1,2", "2,3", "120 MiB", "2"]) }
        plan.touches = ["4 partitions of 1 topic", "in 2 batches, 2 partitions each at most: one begins when the one before is there"]
        plan.kafkaCommand = "# each of these when the one before is complete"
        plan.inverse = .action(plan.action)
        plan.steps = [.reassignInBatches([Array(moves[..<2]), Array(moves[2...])])]
        return plan
    }

    static func progress(_ batch: Int, arrived: Int, moving: [Int32], waiting: [Int32], isPaused: Bool = false) -> BatchProgress {
        let left = waiting.map { PartitionReplicas(TopicPartition("orders", $0), [2, 3]) }
        var progress = BatchProgress(
            batch: batch, batches: 2, arrived: arrived, partitions: 4, moving: moving.map { TopicPartition("orders", $0) },
            waiting: left.isEmpty ? [] : [left])
        progress.isPaused = isPaused
        return progress
    }

    /// Carried out, and looked at.
    static func moveInBatches(_ driver: Driver) {
        driver.press("3 m tab tab tab").type("2").press("enter")
        let ticket = driver.console.lastTicket
        driver.send(.planned(ticket: ticket, .success(batchedPlan()))).press("tab enter")
        driver.send(.batches(ticket: ticket, progress(1, arrived: 0, moving: [0, 1], waiting: [2, 3])))
    }
}

/// A reassignment in batches, as it is asked for, watched and steered.
@Suite struct BatchStories {
    private func driver() -> Driver { Driver(Sample.replicating(), width: 120, height: 40) }

    private func steered(_ driver: Driver) -> [PlanInput] {
        driver.takeRequests().compactMap { if case .steer(_, let input) = $0 { input } else { nil } }
    }

    @Test func theFormSaysHowMuchAtATime() {
        func batch(_ text: String, _ keys: String) -> ReassignBatch? {
            let driver = driver().press(keys).type(text).press("enter")
            for case .plan(_, .reassign(let wish)) in driver.takeRequests() { return wish.batch }
            return nil
        }
        #expect(batch("2", "3 m tab tab tab") == .partitions(2) && batch("50G", "3 m tab tab tab") == .bytes(50 << 30))
        #expect(batch("", "3 m tab tab tab") == nil && batch("all", "3 R tab tab") == nil)
        #expect(batch("3", "3 R tab tab") == .partitions(3) && batch("1M", "2 D right tab tab") == .bytes(1 << 20))
        driver().press("3 m tab tab tab").type("few").press("enter").expect("! At a time: a number of partitions such as 10")
    }

    @Test func theDialogPausesGoesOnAndEnds() {
        let driver = driver()
        Sample.moveInBatches(driver)
        let ticket = driver.console.lastTicket
        driver.expect("batch 1 of 2, 0 of 4 partitions there.").expect("p  pauses or goes on   x  ends after this batch")
        _ = driver.takeRequests()
        driver.press("p")
        driver.send(.batches(ticket: ticket, Sample.progress(1, arrived: 0, moving: [0, 1], waiting: [2, 3], isPaused: true)))
        driver.expect("pauses after this batch.").press("p x X")
        #expect(steered(driver) == [.pause, .resume, .stop, .cancel])
        driver.press("esc").expect("It goes on; 7 shows how far it is.")
        driver.send(.planFinished(ticket: ticket, PlanOutcome(title: "Reassign topic orders", verdict: .done, lines: [], undo: nil)))
        driver.expect("Reassign topic orders: done.")
        #expect(driver.console.moves.isEmpty)
    }

    @Test func theViewOfReassignmentsShowsWhatWaitsAndSteersIt() {
        let driver = driver()
        Sample.moveInBatches(driver)
        let ticket = driver.console.lastTicket
        driver.press("esc 7").expect("Reassignments(batch 1 of 2, 0 of 4 partitions there; ").expect("~ batch 2")
        _ = driver.takeRequests()
        driver.press("p").send(.batches(ticket: ticket, Sample.progress(2, arrived: 2, moving: [], waiting: [2, 3], isPaused: true)))
        driver.expect("batch 2 of 2, 2 of 4 partitions there, paused").press("p E").expect("End the moves")
        driver.press("f E c").expectNot("End the moves")
        #expect(steered(driver) == [.pause, .resume, .stop, .cancel])
        // No two at once, and no leaving without a word.
        driver.press("u").expect("Moves in batches are under way; p pauses them.")
        driver.console.options.contexts = [ContextEntry(name: "x", bootstrap: "x:1", security: "", isReadOnly: false, origin: "")]
        driver.send(.command("ctx x")).expect("Moves in batches are under way here")
        driver.press("3 m enter enter enter enter")
        driver.send(.planned(ticket: driver.console.lastTicket, .success(Sample.batchedPlan()))).press("tab enter")
        #expect(driver.takeRequests().allSatisfy { if case .run = $0 { false } else { true } })
        driver.expect("Other moves in batches are under way").press("esc 7")
        let outcome = PlanOutcome(title: "Reassign", verdict: .done, lines: [], undo: nil)
        driver.send(.planFinished(ticket: ticket, outcome)).expectNot("~ batch")
    }

    @Test func whatWasBrokenOffIsGoneOnWith() {
        let driver = driver().press("7 p").expect("No moves in batches are under way from here.").press("E")
        driver.expect("No moves in batches are under way from here.").press("u")
        let ticket = driver.console.lastTicket
        driver.expectRequest(.resumeMoves(ticket: ticket)).expect("Reading the cluster.")
        driver.send(.planned(ticket: ticket, .success(Sample.batchedPlan()))).press("tab enter")
        driver.expectRequest(.run(ticket: ticket, Sample.batchedPlan()))
        let readOnly = Driver(Sample.replicating(), width: 120, height: 40, readOnly: true).press("7 u").expect("Read-only: resume-moves")
        #expect(readOnly.takeRequests().allSatisfy { if case .resumeMoves = $0 { false } else { true } })
    }
}
