import Grid
import Observatory
import Primitives
import Testing

@testable import Console

extension Driver {
    /// With three rules, of which one fires and one is muted, on the view that shows them; the command line is open.
    func alerted() {
        let rules = [
            ("copies are missing", "under-replicated > 0", 0), ("billing lags", "lag(billing) > 10M", 120), ("brokers", "brokers < 3", 0),
        ]
        let conditions = rules.compactMap { name, text, seconds -> AlertRule? in
            guard let expression = try? CheckExpression(text) else { return nil }
            let cause = AlertRule.Cause.condition(expression, forMs: Int64(seconds) * 1000, resolved: false)
            return AlertRule(name: name, cause: cause, means: [.bell], hook: seconds > 0 ? ["page"] : nil)
        }
        let lost = AlertRule(name: "lost", cause: .happening([.brokerDown, .rot], of: "3"), means: AlertRule.Means.allCases)
        console.alerts = AlertBook(conditions + [lost])
        send(.snapshot(Sample.busy()))
        _ = wait(90_000)
        type("alerts").press("enter down down down m")
        _ = wait(7_000)
    }
}

/// Alerts as somebody at the console has them.
@Suite struct AlertStories {
    private func driver(_ cause: AlertRule.Cause, _ means: [AlertRule.Means] = AlertRule.Means.allCases, hook: [String]? = nil) -> Driver {
        let driver = Driver(nil)
        driver.console.alerts = AlertBook([AlertRule(name: "night watch", cause: cause, means: means, hook: hook)])
        return driver
    }

    private func when(_ text: String, resolved: Bool = false) throws -> AlertRule.Cause {
        .condition(try CheckExpression(text), forMs: 0, resolved: resolved)
    }

    private func notifications(_ driver: Driver) -> [String] {
        driver.takeRequests().compactMap { if case .notify(let text) = $0 { text } else { nil } }
    }

    @Test func onceForEachChangeAndNotForEachPicture() throws {
        let driver = driver(try when("under-replicated > 0", resolved: true))
        driver.send(.snapshot(Sample.busy())).expectRequest(.bell).expect("night watch: under-replicated is 2")
        #expect(notifications(driver) == ["kastellan dev: night watch: under-replicated is 2"])
        for _ in 0..<5 { driver.wait(2_000).send(.snapshot(Sample.busy())) }
        #expect(!driver.takeRequests().contains(.bell))
        var well = Sample.busy()
        well.health.underReplicatedPartitions = 0
        driver.send(.snapshot(well)).expect("night watch: over, under-replicated is 0")
        #expect(notifications(driver).count == 1)
    }

    @Test func onlyByTheMeansThatAreNamed() throws {
        let driver = driver(try when("under-replicated > 0"), [.notify]).send(.snapshot(Sample.busy()))
        #expect(!driver.takeRequests().contains(.bell))
        let silent = self.driver(try when("under-replicated > 0"), []).send(.snapshot(Sample.busy()))
        let asked = silent.takeRequests().filter { if case .watch = $0 { false } else { true } }
        #expect(asked == [])
        silent.expect("night watch")
    }

    @Test func aProgramGetsTheEventAndNoShellDoes() {
        let driver = driver(.happening([.rebalance], of: nil), [], hook: ["page-me", "--urgent; rm"])
        driver.send(.snapshot(Sample.busy()))
        #expect(driver.takeRequests().allSatisfy { if case .hook = $0 { false } else { true } }, "what was there before is no news")
        driver.send(.snapshot(Sample.hostile()))
        let runs = driver.takeRequests().compactMap { if case .hook(let run) = $0 { run } else { nil } }
        #expect(runs.count == 1)
        guard let run = runs.first else { return }
        #expect(run.words == ["page-me", "--urgent; rm"])
        func value(_ name: String) -> String? { run.environment.first { $0.name == name }?.value }
        #expect(value("KASTELLAN_ALERT") == "night watch" && value("KASTELLAN_ALERT_STATE") == "event")
        #expect(value("KASTELLAN_ALERT_WHAT") == "rebalance" && value("KASTELLAN_ALERT_COUNT") == "1")
        #expect(value("KASTELLAN_ALERT_OBJECT")?.contains("\u{1B}[2J") == true, "the cluster's own bytes")
        #expect(value("KASTELLAN_ALERT_TEXT")?.unicodeScalars.allSatisfy { Escape.isSafe($0) } == true)
        #expect(value("KASTELLAN_CONTEXT") == "dev" && value("KASTELLAN_BOOTSTRAP") == "localhost:9092")
    }

    @Test func notificationsCannotBeSequences() {
        let driver = driver(.happening([.rebalance], of: nil), [.notify])
        driver.send(.snapshot(Sample.busy())).send(.snapshot(Sample.hostile()))
        let texts = notifications(driver)
        #expect(texts.count == 1)
        for text in texts {
            #expect(text.unicodeScalars.allSatisfy { Escape.isSafe($0) } && text.hasPrefix("kastellan dev: "))
            #expect(text.unicodeScalars.count <= Console.notificationMax)
        }
        let long = Console.notification(String(repeating: "日", count: 5_000), in: "x")
        #expect(TextWidth.of(long) <= Console.notificationMax)
    }

    @Test func whatIsHeldBackIsToldWhenItsTimeComes() {
        let driver = driver(.happening([.rebalance], of: nil), [.bell]).send(.snapshot(Sample.busy()))
        driver.send(.snapshot(Sample.hostile())).expectRequest(.bell)
        _ = driver.takeRequests()
        var more = Sample.hostile()
        for _ in 0..<3 {
            if let last = more.events.last { more.events.append(last) }
            more.eventCount += 1
        }
        driver.wait(1_000).send(.snapshot(more))
        #expect(!driver.takeRequests().contains(.bell))
        #expect(driver.console.nextDeadline.map { $0 <= driver.now.instant.adding(milliseconds: 4_000) } == true)
        driver.wait(4_000).expectRequest(.bell).expect("night watch, 3 times: rebalance")
    }

    @Test func aMutedRuleTellsNobodyUntilItIsAskedForAgain() throws {
        let driver = driver(try when("under-replicated > 0", resolved: true), [.bell], hook: ["x"])
        driver.press(":").type("alerts").press("enter").expect("unknown").press("m").expect("muted until m is pressed again")
        driver.send(.snapshot(Sample.busy())).expect("muted")
        let silent = driver.takeRequests().allSatisfy { request in
            if case .hook = request { return false }
            return request != .bell
        }
        #expect(silent)
        driver.press("m").expect("firing")
        var well = Sample.busy()
        well.health.underReplicatedPartitions = 0
        driver.send(.snapshot(well)).expectRequest(.bell).expect("quiet")
        driver.wait(1_000).send(.snapshot(Sample.busy())).expect("firing").expectSelected("0")
        // Another cluster does not unmute it.
        driver.press("m")
        for request in driver.console.enterContext(name: "other", bootstrap: [], mode: .writable, hasColor: false, now: driver.now) {
            driver.note(request)
        }
        _ = driver.takeRequests()
        driver.send(.snapshot(Sample.busy()))
        #expect(!driver.takeRequests().contains(.bell))
    }

    /// Alerts are about now, whatever time the screen shows, and about this cluster alone.
    @Test func anotherClusterBeginsAnew() throws {
        let driver = driver(try when("under-replicated > 0"), [.bell]).send(.snapshot(Sample.busy()))
        _ = driver.takeRequests()
        for request in driver.console.enterContext(name: "other", bootstrap: [], mode: .writable, hasColor: false, now: driver.now) {
            driver.note(request)
        }
        driver.send(.snapshot(Sample.busy())).expectRequest(.bell)
    }

    @Test func whatTheRulesNeedIsWatched() throws {
        let driver = driver(try when("lag(billing) > 10k")).press("3")
        let interests = driver.takeRequests().compactMap { if case .watch(let interest) = $0 { interest } else { nil } }
        #expect(interests.last?.also == [.groups])
    }
}
