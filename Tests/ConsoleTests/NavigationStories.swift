import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// What a user does to get around.
@Suite struct NavigationStories {
    @Test func beginsOnTheOverviewAndAsksForIt() {
        let driver = Driver(nil)
        driver.expectPlace(.overview).expectRequest(.watch(Interest(.overview)))
        driver.expect("connecting").expect("Connecting to localhost:9092")
    }

    @Test func digitsGoToTheRoots() {
        let driver = Driver()
        driver.press("3").expectPlace(.topics).press("4").expectPlace(.groups).press("5").expectPlace(.events)
        driver.press("2").expectPlace(.brokers).press("1").expectPlace(.overview)
    }

    @Test func enterDrillsDownAndEscComesBack() {
        let driver = Driver().press("3").press("down enter").expectPlace(.topic("clicks")).expect("<clicks>")
        driver.press("enter").expectPlace(.tail("clicks")).press("esc").expectPlace(.topic("clicks"))
        driver.press("esc").expectPlace(.topics).expectSelected("clicks")
        driver.press("esc").expectPlace(.topics)
    }

    @Test func everyViewAsksForWhatItShows() {
        let driver = Driver()
        _ = driver.takeRequests()
        driver.press("4 enter").expectRequest(.watch(Interest(.group("billing"))))
        driver.press("d").expectRequest(.watch(Interest(.group("billing"))))
        driver.press("3").press("down down down e").expectRequest(.watch(Interest(.configs(.topic("orders")))))
    }

    @Test func visibleRowsAreNamedToTheObserver() {
        let driver = Driver(Sample.many(300)).press("3")
        guard case .watch(let interest)? = driver.takeRequests().last else { return #expect(Bool(false)) }
        #expect(interest.visibleTopics.first == "topic-00000" && interest.visibleTopics.count == 18)
        driver.press("G")
        guard case .watch(let last)? = driver.takeRequests().last else { return #expect(Bool(false)) }
        #expect(last.visibleTopics.last == "topic-00299")
    }

    @Test func qAsksBeforeItQuitsAndCtrlCDoesNot() {
        let driver = Driver().press("q").expect("Quit?").press("n")
        #expect(driver.console.overlay == nil && !driver.takeRequests().contains(.quit))
        driver.press("q y").expectRequest(.quit)
        Driver().press("ctrl-c").expectRequest(.quit)
        Driver().press("3 n ctrl-c").expectRequest(.quit)
        Driver().send(.input(.hangup)).expectRequest(.quit)
    }

    @Test func lastViewAndHistory() {
        let driver = Driver().press("3 4 -").expectPlace(.topics).press("-").expectPlace(.groups)
        driver.press("5 [").expectPlace(.groups).press("]").expectPlace(.events)
    }

    @Test func selectionHoldsOnToItsRowWhenRowsComeAndGo() {
        let driver = Driver().press("3 down down").expectSelected("inventory.changes")
        var snapshot = Sample.busy()
        snapshot.topics["aaa"] = Sample.topic("aaa", 1, 5, rate: 0)
        snapshot.topics["abc"] = Sample.topic("abc", 1, 5, rate: 0)
        driver.send(.snapshot(snapshot)).expectSelected("inventory.changes")
        snapshot.topics["inventory.changes"] = nil
        driver.send(.snapshot(snapshot)).expectSelected("orders")
    }

    @Test func filterNarrowsLiveAndEscWidens() {
        let driver = Driver().press("3 /").type("pay").expectRows(["payments"]).expect("[1/5]").expect("</pay>")
        driver.press("enter").expectRows(["payments"]).press("esc")
        driver.expectRows(["audit-log", "clicks", "inventory.changes", "orders", "payments"]).expectPlace(.topics)
        driver.press("/").type("!o").expectRows(["payments"])
        driver.press("ctrl-u").type("-f ods").expectRows(["orders"]).press("esc").expectRows([
            "audit-log", "clicks", "inventory.changes", "orders", "payments",
        ])
    }

    @Test func aBrokenPatternIsSearchedAsText() {
        let driver = Driver().press("3 /").type("(").expect("missing )")
        #expect(driver.console.tables[0].count == 0)
        driver.expect("Nothing matches.")
    }

    @Test func sortsByColumnAndTurnsRound() {
        let driver = Driver().press("3 shift-right").expectRows(["clicks", "orders", "inventory.changes", "payments", "audit-log"])
        driver.press("O").expectRows(["audit-log", "inventory.changes", "payments", "orders", "clicks"])
        driver.press("N").expectRows(["audit-log", "clicks", "inventory.changes", "orders", "payments"])
        driver.press("S").expectSelected("audit-log")
        #expect(driver.console.tables[0].row(0).id == "audit-log")
        driver.press("O")
        #expect(driver.console.tables[0].row(0).id == "clicks")
    }

    @Test func unknownValuesSortLastBothWays() {
        var snapshot = Sample.busy()
        snapshot.topics.update("orders") { $0.messages = nil }
        let driver = Driver(snapshot).press("3 shift-right shift-right shift-right")
        #expect(driver.console.tables[0].model.columns[3].title == "MESSAGES")
        #expect(driver.console.tables[0].row(4).id == "orders")
        driver.press("O")
        #expect(driver.console.tables[0].row(4).id == "orders")
    }

    @Test func faultsOnly() {
        let driver = Driver().press("3 !").expectRows(["clicks", "payments"]).expect("<only faults>")
        driver.press("!").expectRows(["audit-log", "clicks", "inventory.changes", "orders", "payments"])
        Driver(Sample.empty()).press("2 !").expect("Nothing needs attention.")
    }

    @Test func internalTopicsAreHiddenUntilAskedFor() {
        Driver().press("3").expectNot("__consumer_offsets").press("0").expect("__consumer_offsets").expect("Topics(all)")
    }

    @Test func marksAndRanges() {
        let driver = Driver().press("3 space down v")
        #expect(driver.console.view.panels[0].marks == ["audit-log", "clicks", "inventory.changes"])
        driver.press("c").expectRequest(.copy("audit-log\nclicks\ninventory.changes"))
        driver.press("ctrl-\\ c").expectRequest(.copy("inventory.changes"))
        #expect(driver.console.view.panels[0].marks == [])
    }

    @Test func pagesTopAndBottom() {
        let driver = Driver(Sample.many(100)).press("3 G").expectSelected("topic-00099").press("g").expectSelected("topic-00000")
        driver.press("pgdn").expectSelected("topic-00017").press("pgup").expectSelected("topic-00000").press("k").expectSelected(
            "topic-00000")
    }

    @Test func theMouseSelectsOpensSortsAndScrolls() {
        let driver = Driver(Sample.many(100)).press("3")
        driver.send(.input(.mouse(MouseEvent(.press, column: 10, row: 6)))).expectSelected("topic-00002")
        driver.send(.input(.mouse(MouseEvent(.wheelDown, column: 10, row: 6))))
        #expect(driver.console.view.panels[0].top == 3)
        driver.send(.input(.mouse(MouseEvent(.press, column: 3, row: 3))))
        #expect(driver.console.tables[0].sortsDescending)
        driver.send(.input(.mouse(MouseEvent(.doublePress, column: 10, row: 4))))
        #expect(driver.console.trail.count == 2)
        driver.send(.input(.mouse(MouseEvent(.press, column: 500, row: 500)))).send(.input(.mouse(MouseEvent(.press, column: 0, row: 0))))
    }

    @Test func groupsHaveTwoPanels() {
        let driver = Driver().press("4 enter").expectSelected("orders-0").press("tab")
        #expect(driver.console.view.panel == 1)
        driver.press("down").expectSelected("rdkafka-1-6f1c2d3e-aaaa-4bbb-8ccc-0123456789a1").press("backtab").expectSelected("orders-0")
    }

    @Test func theOverviewOpensWhatIsSelected() {
        Driver().press("tab enter").expectPlace(.topic("clicks"))
        Driver().press("tab tab enter").expectPlace(.group("nightly-reports"))
        Driver().press("enter").expectPlace(.brokers)
        Driver().press("backtab enter").expectPlace(.group("billing"))
    }

    @Test func helpIsAboutWhereOneCameFrom() {
        Driver(height: 60).press("4 ?").expect("HERE (groups)").expect("reset the group's offsets").expectNot("create a topic")
        Driver(height: 60).press("3 ? / ").type("purge")
    }

    @Test func textsAreSearched() {
        let driver = Driver().press("3 ? /").type("suspend").press("enter")
        driver.expect("suspend to the shell")
        let top = driver.console.view.text.top
        #expect(top > 0)
        driver.press("n")
        driver.press("/").press("ctrl-u").type("nosuchword").press("enter").expect("Not found")
        driver.press("esc esc").expectPlace(.topics)
    }

    @Test func theActionsMenuListsAndRuns() {
        let driver = Driver().press("3 x").expect("Actions").expect("produce a message").press("down down enter").expectPlace(
            .describe(.topic("audit-log")))
        driver.press("esc x l").expectPlace(.tail("audit-log"))
    }

    @Test func headerAndTrailCanBeHidden() {
        let driver = Driver().press("3").expect("kastellan").expect("<topics>").press("ctrl-e ctrl-g").expectNot("kastellan").expectNot(
            "<topics>")
        driver.press("c").expect("Copied")
    }

    @Test func whatIsGoneSaysSo() {
        var snapshot = Sample.busy()
        let driver = Driver(snapshot).press("3 down enter")
        snapshot.topics["clicks"] = nil
        driver.send(.snapshot(snapshot)).expect("does not exist (any more)")
        let group = Driver(snapshot).press("4 enter")
        snapshot.groups["billing"] = nil
        group.send(.snapshot(snapshot)).expect("does not exist (any more)")
    }
}

/// What the header and the edges say.
@Suite struct StatusStories {
    @Test func awayFromTheClusterItSaysSinceWhenAndGoesOnShowing() {
        let driver = Driver().press("3")
        driver.milliseconds = 12_000
        var snapshot = Sample.busy()
        snapshot.connection = .disconnected(since: noon, reason: "connection refused")
        driver.send(.snapshot(snapshot)).expect("disconnected, last data 12s ago, reconnecting").expect("payments")
        _ = driver.wait(8000).expect("last data 20s ago")
        #expect(driver.console.nextDeadline == driver.now.instant.adding(milliseconds: 1000))
    }

    @Test func neverReachedSaysWhy() {
        var snapshot = ClusterSnapshot()
        snapshot.connection = .disconnected(since: noon, reason: "connection refused")
        Driver(snapshot).press("3").expect("Cannot reach localhost:9092.").expect("connection refused").expect("Trying again")
    }

    @Test func oldDataCarriesItsAge() {
        let driver = Driver().press("4")
        driver.expectNot("old")
        _ = driver.wait(12_000).expect("12s old")
    }

    @Test func nothingMovesWhileNothingHappens() {
        let driver = Driver()
        #expect(driver.console.nextDeadline == nil)
        let before = driver.screen
        driver.milliseconds += 900
        driver.send(.tick)
        #expect(driver.screen == before)
    }

    @Test func errorsOfOnePartAreShownThere() {
        var snapshot = Sample.busy()
        snapshot.observations.groups.error = "GROUP_AUTHORIZATION_FAILED"
        Driver(snapshot).press("4").expect("! GROUP_AUTHORIZATION_FAILED").press("3").expectNot("GROUP_AUTHORIZATION_FAILED")
    }

    @Test func flashesGoAway() {
        let driver = Driver().press("3 c").expect("Copied audit-log.")
        #expect(driver.console.nextDeadline != nil)
        _ = driver.wait(7000)
        driver.expectNot("Copied")
    }

    @Test func readOnlyHidesAndRefusesChanges() {
        let driver = Driver(readOnly: true).press("3").expect("read-only").expectNot("produce")
        driver.press("ctrl-d").expect("Read-only: delete would change the cluster.")
        driver.press("p n a P z")
        #expect(driver.console.overlay == nil)
        driver.press(":").type("create x").press("enter").expect("Read-only")
        #expect(!driver.takeRequests().contains { if case .plan = $0 { true } else { false } })
    }

    @Test func tooSmallSaysWhatItNeeds() {
        Driver(width: 39, height: 24).expect("needs 40x10")
        Driver(width: 80, height: 9).expect("has 80x9")
    }
}
