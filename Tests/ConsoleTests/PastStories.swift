import Observatory
import Primitives
import Testing

@testable import Console

extension Driver {
    /// Ten minutes back: fewer records, another leader, a group that was well.
    @discardableResult
    func goBack() -> Driver {
        press("<")
        return send(.past(.before(noon), .success(Sample.earlier())))
    }
}

extension Sample {
    static func earlier() -> ClusterSnapshot {
        var then = lagging()
        then.time = Timestamp(milliseconds: noon.milliseconds - 600_000)
        then.groups["billing"] = then.groups["audit"].map { audit in
            var group = audit
            group.id = "billing"
            return group
        }
        then.topics.update("orders") { topic in
            for index in topic.partitions.indices {
                topic.partitions[index].endOffset = Offset((topic.partitions[index].endOffset?.rawValue ?? 0) - 12_000)
            }
            topic.partitions[0].leader = 2
        }
        then.topics.update("payments") { $0.partitions[1].inSyncReplicas = [2, 3, 1] }
        then.groups["zebra"] = nil
        then.brokers.update(3) { $0.isAlive = false }
        return then
    }
}

/// Back in time, and what is different since.
@Suite struct PastStories {
    @Test func theWholeScreenGoesBackAndSaysSo() {
        let driver = Driver(Sample.lagging(), width: 120, height: 40).press("4").expect("zebra")
        _ = driver.takeRequests()
        driver.press("<").expectRequest(.history(.before(noon)))
        driver.send(.past(.before(noon), .success(Sample.earlier())))
        driver.expect("PAST 10:20:00, 10m ago").expectNot("zebra").expectNot("● connected").expectPlace(.groups)
        // Every other view is that of then, too.
        driver.press("2").expect("gone").press("3").expectPlace(.topics).press("5").expectNot("billing")
        driver.press("<").expectRequest(.history(.before(Timestamp(milliseconds: noon.milliseconds - 600_000))))
        driver.press("\\").expect("● connected").press("4").expect("zebra")
    }

    @Test func theClusterIsWatchedBehindThePast() {
        let driver = Driver(Sample.lagging(), width: 120, height: 40).press("4").goBack()
        var newer = Sample.lagging()
        newer.groups["new-one"] = newer.groups["audit"].map { audit in
            var group = audit
            group.id = "new-one"
            return group
        }
        driver.send(.snapshot(newer)).expect("PAST").expectNot("new-one")
        driver.press("\\").expect("new-one")
    }

    @Test func forwardsPastTheLastPictureIsNow() {
        let driver = Driver(Sample.lagging()).press("4").goBack().press(">")
        driver.expectRequest(.history(.after(Timestamp(milliseconds: noon.milliseconds - 600_000))))
        driver.send(.past(.after(noon), .success(nil))).expectNot("PAST").expect("Back to now")
        driver.press(">").expect("This is now").press("=").expect("Step back first")
        // A picture that comes when somebody is back already is not shown.
        driver.send(.past(.after(noon), .success(Sample.earlier()))).expectNot("PAST")
    }

    @Test func nothingCanBeChangedInThePast() {
        let driver = Driver(Sample.lagging(), width: 120, height: 40).press("3").goBack()
        for key in ["n", "ctrl-d", "p", "P", "a", "m", "R", "L", "z"] {
            driver.press(key).expect("In the past nothing can be changed")
            #expect(driver.console.overlay == nil)
        }
        driver.press("4 s").expect("In the past nothing can be changed")
        driver.send(.command("create x")).expect("In the past nothing can be changed")
        driver.press("x")
        if case .menu(let menu)? = driver.console.overlay { #expect(!menu.items.contains { $0.action == .delete }) }
        driver.press("esc")
        #expect(!driver.takeRequests().contains { if case .plan = $0 { true } else { false } })
        driver.press("\\ 3 n").expect("New topic")
    }

    @Test func thenAgainstNow() {
        let driver = Driver(Sample.lagging(), width: 120, height: 40).press("4").goBack().press("=").expectPlace(.compare)
        driver.expect("Then and now").expect("broker up").expect("leader changed").expect("orders-0").expect(
            "isr"
                + " shrunk"
        ).expect("payments-1")
        driver.expect("LAG, THEN → NOW").expect("billing").expect("▲ growing").expect("WRITTEN BETWEEN").expect("72,000")
        driver.press("esc").expectPlace(.groups).expect("PAST").press("= \\").expectPlace(.groups).expect("Back to now")
    }

    @Test func leapsAndTimesByName() {
        let driver = Driver(Sample.lagging()).press("4")
        driver.press("{").expectRequest(.history(.at(Timestamp(milliseconds: noon.milliseconds - 600_000))))
        driver.send(.command("at 30m")).expectRequest(.history(.at(Timestamp(milliseconds: noon.milliseconds - 1_800_000))))
        driver.send(.command("at 10:05")).expectRequest(.history(.at(Timestamp(milliseconds: noon.milliseconds - 1_500_000))))
        // A time of day that is still to come was yesterday's.
        driver.send(.command("at 11:00")).expectRequest(.history(.at(Timestamp(milliseconds: noon.milliseconds + 1_800_000 - 86_400_000))))
        driver.send(.command("at 2026-11-20T08:00")).expectRequest(.history(.at(CivilTime.timestamp(2026, 11, 20, 8, 0, 0, 0))))
        driver.send(.command("at noonish")).expect("Not a time")
        driver.goBack().press("}").expectNot("PAST")
    }

    @Test func whatCannotBeReadIsSaid() {
        let driver = Driver(Sample.lagging()).press("<")
        driver.send(.past(.before(noon), .success(nil))).expect("Nothing older is kept").expectNot("PAST")
        driver.send(.past(.before(noon), .failure(ConsoleFailure("The history cannot be read: disk I/O error.")))).expect("disk I/O error")
    }

    @Test func theTimelineEndsThen() {
        let driver = Driver(Sample.busy(), width: 120, height: 40).press("5").expect("session expired")
        let all = driver.console.tables[0].count
        var then = Sample.busy()
        then.time = Timestamp(milliseconds: noon.milliseconds - 100_000)
        (then.events, then.eventCount) = (Ring(capacity: 10), 0)
        driver.send(.past(.before(noon), .success(then))).expectNot("session expired").expect("leader changed")
        #expect(driver.console.tables[0].count == all - 4)
        // The numbers by which events are described are those they always had.
        driver.press("d").expect("leader changed")
    }
}

/// The timeline's own stories.
@Suite struct TimelineStories {
    @Test func enterJumpsToWhatAnEventIsAbout() {
        Driver().press("5 enter").expectPlace(.group("billing"))
        Driver().press("5 d").expectPlace(.describe(.event(7)))
        Driver().press("5 /").type("isr").press("enter enter").expectPlace(.topic("payments"))
    }

    @Test func verdictsAndOwnActionsAreOnIt() {
        var snapshot = Sample.busy()
        for kind in [
            ClusterEvent.Kind.lagVerdict(group: "billing", from: "ok", to: "stalled", isTrouble: true, lag: 1_204),
            .ownAction(title: "Delete topic audit-log", outcome: "Deleted topic audit-log.", isDone: true),
            .recorded(what: "topic created", object: "old-one", detail: "3 partitions"),
        ] {
            snapshot.events.append(ClusterEvent(time: noon, kind: kind))
            snapshot.eventCount += 1
        }
        let driver = Driver(snapshot, width: 120, height: 40).press("5").expect("lag stalled").expect("ok → stalled, 1,204 unread")
        driver.expect("done from here").expect("Delete topic audit-log").expect("old-one")
        driver.press("/").type("stalled").press("enter enter").expectPlace(.group("billing"))
    }

    @Test func whatIsShownIsExportedAsLinesOfJSON() {
        let driver = Driver(Sample.busy(), width: 120, height: 40).press("5 /").type("isr|rebalance").press("enter ctrl-s")
            .expect("events-")
        driver.press("enter")
        let saved = driver.takeRequests().compactMap {
            if case .save(_, let bytes) = $0 { String(decoding: bytes.array, as: UTF8.self) } else { nil }
        }
        let lines = saved.first?.split(separator: "\n") ?? []
        #expect(lines.count == 2, "\(saved)")
        #expect(
            lines.first?.hasPrefix("{\"time\":\"2026-11-21T10:29:00") == true && lines.first?.contains("\"object\":\"payments-1\"") == true)
        #expect(lines.last?.contains("\"reason\":\"left\"") == true && lines.last?.contains("\"inferred\":false") == true)
    }

    @Test func exportedTextCannotBreakItsLine() {
        let driver = Driver(Sample.hostile(), width: 120, height: 40).press("5 ctrl-s enter")
        let all = driver.takeRequests().compactMap { (request: ConsoleRequest) -> [UInt8]? in
            if case .save(_, let bytes) = request { return bytes.array }
            return nil
        }
        let saved = all.first ?? []
        #expect(!saved.contains { $0 < 0x20 && $0 != 0x0A } && !saved.contains(0x7F))
        #expect(saved.split(separator: 0x0A).allSatisfy { $0.first == 0x7B && $0.last == 0x7D })
    }
}
