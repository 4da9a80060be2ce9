import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// The console line by line, as somebody has it who listens.
@Suite struct LineStories {
    /// A console that is typed to and that answers, as the shell has it.
    final class Listener {
        let driver: Driver
        var mode = LineMode()
        private(set) var heard: [String] = []

        init(_ snapshot: ClusterSnapshot? = Sample.busy()) {
            driver = Driver(nil, width: 200, height: 60, glyphs: .ascii)
            listen()
            if let snapshot { send(.snapshot(snapshot)) }
        }

        func listen() { heard += mode.news(driver.console) }

        @discardableResult
        func send(_ event: ConsoleEvent) -> Listener {
            driver.send(event)
            listen()
            return self
        }

        /// What comes back on that line.
        @discardableResult
        func type(_ line: String) -> String {
            heard = []
            let answer = mode.typed(line, driver.console, now: driver.now)
            heard += answer.lines
            for event in answer.events { driver.send(event) }
            listen()
            return hear()
        }

        func hear() -> String {
            let text = heard.joined(separator: "\n")
            heard = []
            return text
        }
    }

    @Test func viewsAreToldInWords() {
        let listener = Listener()
        let first = listener.hear()
        #expect(first.contains("Connected.") && first.contains("Health: ") && first.contains("Panel 3, Top lag"))
        let topics = listener.type("topics")
        #expect(topics.contains("Topics of user, 5 rows, by name:"), "\(topics)")
        #expect(topics.contains("\n4 orders: parts 6"), "\(topics)")
        #expect(!topics.contains("|") && !topics.contains("+--") && topics.unicodeScalars.allSatisfy { $0 == "\n" || Escape.isSafe($0) })
        #expect(listener.type("groups").contains("1 billing: "))
        #expect(listener.type("group billing").contains("State Stable"))
        #expect(listener.type("help").contains("A number goes to that row"))
        #expect(listener.type("events").contains("Events"))
    }

    @Test func numbersAndActionsGoWhereRowsAre() {
        let listener = Listener()
        listener.type("topics")
        listener.type("4")
        listener.driver.expectPlace(.topic("orders"))
        listener.type("back")
        listener.driver.expectPlace(.topics)
        #expect(listener.type("4 describe").contains("Describe(topic orders):"))
        listener.type("back")
        #expect(listener.type("99") == "There is no such row.")
        #expect(listener.type("4 fly").contains("There is no action fly"))
        #expect(listener.type("nonsense").contains("Warning: No command nonsense"))
        #expect(listener.type("actions").contains("describe: "))
        #expect(listener.type("sort next").contains("by parts"))
    }

    @Test func longListsComeInPieces() {
        let listener = Listener(Sample.many(300))
        let first = listener.type("topics")
        #expect(first.split(separator: "\n").count < 40 && first.contains("more; more tells them."))
        let second = listener.type("more")
        #expect(second.hasPrefix("21 ") && second.contains("\n40 "))
        #expect(listener.type("show").contains("\n1 "))
        let filtered = listener.type("/topic-00001")
        #expect(filtered.contains("1 row of 300, filter topic-00001"), "\(filtered)")
        #expect(!listener.type("/").contains("filter"))
    }

    @Test func whatChangesIsToldOnceAndNothingElseIs() {
        let listener = Listener()
        listener.type("topics")
        _ = listener.hear()
        listener.send(.snapshot(Sample.busy()))
        #expect(listener.hear() == "")
        var worse = Sample.busy()
        worse.health.underReplicatedPartitions = 7
        worse.events.append(ClusterEvent(time: noon, kind: .brokerDown(broker: 3, reason: "gone")))
        worse.eventCount += 1
        listener.send(.snapshot(worse))
        let told = listener.hear()
        #expect(told.contains("7 under-replicated") && told.contains("broker down, broker 3, gone."), "\(told)")
        listener.send(.snapshot(worse))
        #expect(listener.hear() == "")
        var away = worse
        away.connection = .disconnected(since: noon, reason: "refused")
        listener.send(.snapshot(away))
        #expect(listener.hear() == "Disconnected, the data stays as it was: refused.")
    }

    @Test func rowsThatChangeAreToldToThoseWhoWatch() {
        let listener = Listener()
        listener.type("topics")
        listener.type("watch")
        var more = Sample.busy()
        more.topics.update("orders") { $0.messages = 99 }
        listener.send(.snapshot(more))
        #expect(listener.hear().hasPrefix("Changed: 4 orders: "))
        #expect(listener.type("watch off") == "Changed rows are not told.")
        listener.type("watch")
        _ = listener.hear()
        listener.send(.snapshot(Sample.busy()))
        let told = listener.hear()
        #expect(told.hasPrefix("Changed: 4 orders: ") && !told.contains("clicks"), "\(told)")
    }

    @Test func formsAreAskedFieldByField() throws {
        let listener = Listener()
        listener.type("topics")
        let form = listener.type("create")
        #expect(form.contains("New topic.") && form.contains("? An empty line"), "\(form)")
        var answer = listener.type("shop")
        for _ in 0..<8 {
            if listener.driver.requests.contains(where: { if case .plan = $0 { true } else { false } }) { break }
            answer = listener.type("")
        }
        let asked = listener.driver.takeRequests()
        let action = asked.compactMap { if case .plan(let ticket, let action) = $0 { (ticket, action) } else { nil } }
        let (ticket, wanted) = try #require(action.first, "\(answer)")
        guard case .createTopic(let topic) = wanted else {
            Issue.record("\(wanted)")
            return
        }
        #expect(topic.name == "shop")
        var plan = Sample.resetPlan()
        plan.action = wanted
        listener.send(.planned(ticket: ticket, .success(plan)))
        #expect(listener.hear().contains("apply does it, cancel leaves it"))
        #expect(listener.type("maybe") == "Nothing is done by that.")
        listener.type("apply")
        listener.driver.expectRequest(.run(ticket: ticket, plan))
    }

    /// What cannot be taken back wants its name here too, and nothing else does it.
    @Test func aNameHasToBeTypedInFull() {
        let listener = Listener()
        listener.type("topics")
        listener.type("1 delete")
        listener.send(.planned(ticket: 1, .success(Sample.deletePlan())))
        #expect(listener.hear().contains("to do it; cancel leaves it"))
        for wrong in ["apply", "y", "", "audit"] {
            listener.type(wrong)
            #expect(!listener.driver.requests.contains { if case .run = $0 { true } else { false } }, "\(wrong)")
        }
        listener.type("audit-log")
        #expect(listener.driver.requests.contains { if case .run = $0 { true } else { false } })
    }

    @Test func aTailIsToldAsItComes() {
        let listener = Listener()
        listener.type("tail orders")
        var update = Sample.messages(session: listener.driver.console.view.tail?.query.session ?? 1)
        listener.send(.tail(update))
        #expect(listener.hear().contains("0 "))
        let one = update.messages[0]
        update.messages = Array(repeating: one, count: 500)
        listener.send(.tail(update))
        let lines = listener.hear().split(separator: "\n")
        #expect(lines.count <= LineMode.newsPerSecond + 1)
        _ = listener.driver.wait(1_100)
        update.messages = [one]
        listener.send(.tail(update))
        #expect(listener.hear().contains("messages more came."))
        listener.type("3")
        #expect(listener.driver.console.place != .tail("orders"))
    }

    @Test func nothingFromTheClusterIsSaidRaw() {
        for line in ["overview", "brokers", "topics", "groups", "events", "partitions", "configs orders", "1", "why billing", "quotas"] {
            let listener = Listener(Sample.hostile())
            let first = listener.hear()
            let text = first + listener.type(line) + listener.type("more") + listener.type("1") + listener.type("1 describe")
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || Escape.isSafe($0) }, "\(line)")
        }
    }

    @Test func anyLineInAnyViewDoesNoHarm() {
        let lines = [
            "", "0", "-1", "1.1", "9.9", "1.2.3", "..", ".", "1 delete", "/", "/(", "/x", "more", "more", "cancel", "ok", "apply", "=",
            "=x", "y", "back", "sort reverse", "open", "other panel", "2.1", "1 edit", "actions", "\u{1B}[2J",
            String(repeating: "x", count: 5_000), "watch", "show",
        ]
        for view in ["overview", "topics", "groups", "group billing", "events", "configs orders", "tail orders", "heatmap", "why billing"] {
            let listener = Listener(Sample.hostile())
            listener.type(view)
            for line in lines {
                listener.type(line)
                listener.send(.snapshot(Sample.busy()))
            }
            #expect(!listener.driver.requests.contains { if case .run = $0 { true } else { false } }, "\(view)")
        }
    }
}

@Suite struct WireBudgetTests {
    private func at(_ ms: Int64) -> Instant { Instant(nanoseconds: (100_000 + ms) * 1_000_000) }

    @Test func withoutACapNothingWaits() {
        var budget = WireBudget(cap: nil)
        budget.sent(1_000_000, at: at(0))
        #expect(budget.nextFrame(isUrgent: false) == .zero && budget.rate(at: at(0)) == 100_000)
    }

    @Test func framesArePaidFor() {
        var budget = WireBudget(cap: 1_000)
        // A second's worth was saved up.
        budget.sent(6_000, at: at(0))
        #expect(budget.nextFrame(isUrgent: false) == at(5_000))
        #expect(budget.nextFrame(isUrgent: true) == at(4_000), "a key waits a second less")
        budget.sent(500, at: at(5_000))
        #expect(budget.nextFrame(isUrgent: false) == at(5_500) && budget.nextFrame(isUrgent: true) == .zero)
    }

    /// Whatever is drawn and whenever, as long as the budget is asked: not more than the cap, but for what was saved up and one frame.
    @Test(arguments: [100, 1_000, 20_000]) func overTimeItIsNoMoreThanTheCap(cap: Int) {
        var budget = WireBudget(cap: cap)
        var now: Int64 = 0
        var total = 0
        var frames = 0
        while now < 60_000 {
            let isUrgent = frames % 3 == 0
            if budget.nextFrame(isUrgent: isUrgent) <= at(now) {
                let size = 37 + frames % 900
                budget.sent(size, at: at(now))
                total += size
                frames += 1
            }
            now += 7
        }
        #expect(frames > 5 && total <= cap * 62 + 937, "\(frames) frames, \(total) bytes")
        #expect(total >= cap * 50 || cap >= 20_000)
    }

    @Test func theFigureFallsToNothing() {
        var budget = WireBudget(cap: 2_000)
        budget.sent(4_000, at: at(0))
        #expect(WireReading(rate: budget.rate(at: at(0)), cap: 2_000, isHolding: false).text == "0.4 of 2 kB/s")
        #expect(budget.rate(at: at(11_000)) == 0)
        #expect(WireReading(rate: 12_345, cap: nil, isHolding: false).text == "12.3 kB/s")
        #expect(WireReading(rate: 0, cap: 100, isHolding: false).text == "0 of 0.1 kB/s")
    }

    @Test func theHeaderSaysIt() {
        let driver = Driver().expectNot("kB/s")
        driver.send(.wire(WireReading(rate: 820, cap: 1_000, isHolding: true))).expect("0.8 of 1 kB/s slowed")
        let wide = Driver(width: 120, height: 40).send(.wire(WireReading(rate: 0, cap: 1_000, isHolding: false)))
        wide.expect("0 of 1 kB/s").expectNot("slowed")
    }
}
