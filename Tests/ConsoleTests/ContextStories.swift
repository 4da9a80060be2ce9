import Grid
import Observatory
import Primitives
import Testing

@testable import Console

extension Driver {
    /// A console that knows three clusters and is on the first.
    static func withContexts(_ mode: ChangeMode = .writable, width: Int = 80, height: Int = 24) -> Driver {
        let driver = Driver(width: width, height: height)
        driver.console.options.mode = mode
        driver.console.options.contextName = "prod"
        driver.console.options.hasContextColor = true
        driver.console.options.contexts = [
            ContextEntry(
                name: "prod", bootstrap: "k1.example.net:9093,k2.example.net:9093", security: "SASL_SSL SCRAM-SHA-512", isReadOnly: true,
                color: "red", origin: "/home/me/.config/kastellan/contexts.yaml:2"),
            ContextEntry(
                name: "staging", bootstrap: "s1.example.net:9092", security: "SSL", isReadOnly: false,
                origin: "/home/me/.config/kastellan/contexts/staging.properties"),
            ContextEntry(
                name: "kaf/local", bootstrap: "localhost:9092", security: "PLAINTEXT", isReadOnly: false, origin: "/home/me/.kaf/config:3"),
        ]
        driver.send(.snapshot(Sample.busy()))
        return driver
    }

    /// What the shell does when the console asks for another context.
    @discardableResult
    func enter(_ name: String, _ mode: ChangeMode = .writable) -> Driver {
        for request in console.enterContext(name: name, bootstrap: ["s1:9092"], mode: mode, hasColor: false, now: now) {
            note(request)
        }
        return self
    }
}

/// Going from cluster to cluster, and being careful with some of them.
@Suite struct ContextStories {
    @Test func theListIsThereAndEnterGoesOver() {
        let driver = Driver.withContexts().press("@").expectPlace(.contexts).expectRows(["kaf/local", "prod", "staging"])
        driver.press("down down enter").expectRequest(.switchContext("staging", then: nil)).expect("Going to staging")
    }

    @Test func commandsGoOverToo() {
        Driver.withContexts().press(":").type("ctx staging").press("enter").expectRequest(.switchContext("staging", then: nil))
        Driver.withContexts().press(":").type("topics /ord @staging").press("enter")
            .expectRequest(.switchContext("staging", then: "topics /ord"))
        Driver.withContexts().press(":").type("contexts").press("enter").expectPlace(.contexts)
        Driver.withContexts().press(":").type("ctx nowhere").press("enter").expect("There is no context nowhere")
        // A start of a tail is no context.
        Driver.withContexts().press(":").type("tail orders @2026-11-21T10:00").press("enter").expectPlace(.tail("orders"))
        Driver.withContexts().press(":").type("ctx sta").press("tab").expect(":ctx staging")
    }

    /// What one cluster showed is never shown as another's: not its rows, its trail, its history, nor how to undo what was done there.
    @Test func nothingOfTheFirstClusterIsLeft() {
        let driver = Driver.withContexts().press("3 down down down enter").expectPlace(.topic("orders"))
        driver.send(.planFinished(ticket: 9, PlanOutcome(title: "x", verdict: .done, lines: [], undo: .deleteTopic("x"))))
        driver.enter("staging").expectPlace(.overview).expect("staging").expectNot("orders").expectNot("broker-1").expectNot("red")
        driver.expectRequest(.watch(Interest(.overview)))
        driver.press("z").expect("Nothing to undo").press("[").expect("Nothing before this view").press("-").expect("No other view")
        driver.press("3").expectRows([])
        driver.send(.snapshot(Sample.empty())).press("1").expectNot("orders")
    }

    @Test func aPlanOfTheFirstClusterIsClosed() {
        let driver = Driver.withContexts().press("3 ctrl-d")
        #expect(driver.console.overlay != nil)
        driver.enter("staging")
        #expect(driver.console.overlay == nil)
    }

    @Test func aGuardedContextArmsForAWhile() {
        let driver = Driver.withContexts(.guarded).expect("read-only").press("3 n").expect("Read-only: create would change the cluster.")
        driver.press(":").type("arm 2").press("enter").expectRequest(.arm(minutes: 2))
        // The shell has the last word.
        driver.expect("read-only").send(.mode(.armed(until: driver.now.instant.adding(milliseconds: 120_000))))
        driver.expect("armed 2:00").expectNot("read-only").wait(61_000).expect("armed 0:59")
        #expect(driver.console.nextDeadline == driver.now.instant.adding(milliseconds: 1000))
        driver.press("n").expect("New topic").press("esc").wait(59_000).expect("read-only").expectNot("armed")
        driver.press("n").expect("Read-only: create")
    }

    /// Planned while it was armed, confirmed when it no longer is: not carried out.
    @Test func theTimeIsOverForAPlanThatWaits() {
        let driver = Driver.withContexts(.armed(until: Instant(nanoseconds: 5_000_000_000))).press("3 ctrl-d")
        var plan = Plan(action: .deleteTopic("audit-log"), title: "Delete topic audit-log")
        plan.steps = [.deleteTopic(name: "audit-log")]
        _ = driver.send(.planned(ticket: 1, .success(plan))).wait(6_000)
        _ = driver.takeRequests()
        driver.press("tab enter")
        #expect(!driver.takeRequests().contains { if case .run = $0 { true } else { false } })
    }

    /// Plans are made and shown as ever; what would carry one out keeps it, and arming opens nothing.
    @Test func whereOthersHaveToAgreeAPlanIsKept() {
        let driver = Driver.withContexts(.byApproval("Changes here are made by approval."), height: 30)
        driver.expect("by approval").expectNot("read-only").press("3 ctrl-d")
        var plan = Plan(action: .deleteTopic("audit-log"), title: "Delete topic audit-log")
        plan.steps = [.deleteTopic(name: "audit-log")]
        driver.send(.planned(ticket: 1, .success(plan))).expect("Keep as a plan").expectNot("Apply").expect("made by approval")
        _ = driver.takeRequests()
        driver.press("tab enter").expectRequest(.savePlan(plan))
        #expect(!driver.takeRequests().contains { if case .run = $0 { true } else { false } } && driver.console.overlay == nil)
        driver.press(":").type("arm").press("enter").expect("made by approval")
        #expect(!driver.takeRequests().contains(.arm(minutes: Console.armMinutes)))
    }

    @Test func whoStartedReadOnlyStaysSo() {
        let driver = Driver.withContexts(.readOnly).press(":").type("arm").press("enter").expect("started with --readonly")
        #expect(!driver.takeRequests().contains(.arm(minutes: 5)))
        Driver.withContexts().press(":").type("arm").press("enter").expect("Changes may be made here anyway")
        Driver.withContexts(.guarded).press(":").type("arm 500").press("enter").expect("arm wants minutes")
        Driver.withContexts(.guarded).press(":").type("disarm").press("enter").expect("Nothing is armed")
    }

    @Test(arguments: [(80, 24), (120, 40), (200, 60)]) func theNameStandsInItsColour(size: (Int, Int)) {
        let driver = Driver.withContexts(.armed(until: Instant(nanoseconds: 299_000_000_000)), width: size.0, height: size.1)
        driver.expect("armed 4:59")
        #expect(driver.screen.styleRuns.contains("context+bold"))
    }
}
