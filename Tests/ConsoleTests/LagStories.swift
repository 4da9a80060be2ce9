import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// What a user does about a group that is behind.
@Suite struct LagStories {
    private func cell(_ driver: Driver, _ id: String, _ column: String) -> String? {
        guard let table = driver.console.tables.first, let place = table.model.columns.firstIndex(where: { $0.title == column }) else {
            return nil
        }
        return table.model.rows.first { $0.id == id }?.cells[place].text
    }

    @Test func groupsShowHowFarHowOldAndWhereItGoes() {
        let driver = Driver(Sample.lagging(), width: 200, height: 60).press("4")
        #expect(cell(driver, "billing", "VERDICT") == "▲ growing" && cell(driver, "billing", "DRAINED") == "never")
        #expect(cell(driver, "checkout", "VERDICT") == "✗ stalled" && cell(driver, "nightly", "VERDICT") == "✗ stopped")
        #expect(cell(driver, "dashboards", "VERDICT") == "▼ catching up" && cell(driver, "fraud", "VERDICT") == "! rewound")
        #expect(cell(driver, "audit", "VERDICT") == "ok")
        // Its records were read: no sign. Of nightly none was: from the ends, and those do not go back that far.
        #expect(cell(driver, "billing", "TIME LAG") == "1m30s" && cell(driver, "nightly", "TIME LAG") == ">2m00s")
        driver.press("S").expectRows(
            ["audit", "dashboards", "billing", "search", "checkout", "nightly", "fraud", "zebra"].sorted { a, b in
                let rank = { (id: String) in
                    Sample.lagging().group(id).flatMap { LagVerdict.allCases.firstIndex(of: $0.analysis.verdict) } ?? 0
                }
                return rank(a) == rank(b) ? a < b : rank(a) < rank(b)
            })
        driver.press("4 !").expectNot("dashboards").expect("nightly").expectNot("audit")
    }

    @Test func anEstimateSaysThatItIsOne() {
        var snapshot = Sample.lagging()
        snapshot.groups.update("billing") { $0.analysis.timeLag = TimeLag(90_000, .interpolated) }
        Driver(snapshot, width: 120, height: 40).press("4").expect("~1m30s")
    }

    @Test func whyIsOneKeyAwayFromEverything() {
        let driver = Driver(Sample.lagging(), width: 120, height: 40).press("4 down down").expectSelected("checkout").press("w")
        driver.expectPlace(.why(.group("checkout"))).expect("Why(group checkout)").expect("owns orders-2 and has committed nothing for")
        driver.expect("WHAT SHOWS IT").expect("WHAT TO DO").expect("WHERE IT IS").press("esc").expectPlace(.groups).expectSelected(
            "checkout")
        driver.press("3 w").expectPlace(.why(.topic("audit-log"))).expect("is well").press("2 down w").expectPlace(.why(.broker(2)))
        driver.press("6 w").expectPlace(.why(.partition(TopicPartition("clicks", 7)))).expect("has no leader")
        driver.press("3 down enter w").expectPlace(.why(.partition(TopicPartition("clicks", 0))))
        driver.press("1 tab tab w").expectPlace(.why(.group("zebra"))).press("enter").expectPlace(.group("zebra"))
    }

    @Test func theVerdictLeadsOnToRecordsAndOffsets() {
        let driver = Driver(Sample.lagging(), width: 120, height: 40).press("4 down down w l").expectPlace(.tail("orders"))
        let queries = driver.takeRequests().compactMap { if case .startTail(let query) = $0 { query.partition } else { nil } }
        #expect(queries.last == 2)
        driver.press("esc").expectPlace(.why(.group("checkout"))).press("s").expect("Reset offsets")
    }

    @Test func whyIsObservedAsWhatItIsAbout() {
        let driver = Driver(Sample.lagging()).press("4 w").expectRequest(.watch(Interest(.group("audit"))))
        driver.press("3 w").expectRequest(.watch(Interest(.topic("audit-log"))))
    }

    @Test func whyByName() {
        let driver = Driver(Sample.lagging())
        driver.send(.command("why billing")).expectPlace(.why(.group("billing"))).expect("cannot keep up")
        driver.send(.command("why orders")).expectPlace(.why(.topic("orders")))
        driver.send(.command("why 3")).expectPlace(.why(.broker(3)))
        driver.send(.command("why nothing")).expectPlace(.why(.broker(3))).expect("No group, topic or broker is called nothing")
    }

    @Test func whyFollowsTheCluster() {
        let driver = Driver(Sample.lagging(), width: 120, height: 40).press("4 down down w").expect("has committed nothing")
        var snapshot = Sample.lagging()
        snapshot.groups["checkout"] = snapshot.groups["audit"].map { audit in
            var group = audit
            group.id = "checkout"
            return group
        }
        driver.send(.snapshot(snapshot)).expect("keeps up")
        snapshot.groups["checkout"] = nil
        driver.send(.snapshot(snapshot)).expect("no such group")
    }

    @Test func unreadRecordsAboutToBeDeletedComeFirst() {
        Driver(Sample.lagging(), width: 120, height: 40).press("4 G w").expectPlace(.why(.group("zebra")))
            .expect("will be deleted within").expect("retention.ms of inventory.changes: 1 h").expect("kafka-configs.sh")
    }

    @Test func theHeatMapShowsWhereItIsHot() {
        let driver = Driver(Sample.lagging(), width: 120, height: 40).press("9").expectPlace(.heat).expect("Heat map(traffic)").expect("█")
        driver.press("f").expect("Heat map(size)").press("f").expect("Heat map(lag)").press("f").expect("Heat map(traffic)")
        driver.press("enter").expectPlace(.describe(.broker(1))).press("esc w").expectPlace(.why(.broker(1)))
        let narrow = Driver(Sample.lagging(), width: 60, height: 16).press("9")
        #expect(narrow.console.tables[0].model.rows.allSatisfy { $0.cells[4].text.unicodeScalars.count <= narrow.console.heatWidth })
        // As many signs as there is room for, also after the window has grown.
        let before = narrow.console.tables[0].model.rows[0].cells[4].text
        narrow.send(.input(.resize(width: 200, height: 60)))
        #expect(narrow.console.tables[0].model.rows[0].cells[4].text.unicodeScalars.count >= before.unicodeScalars.count)
    }

    @Test func chartsShowOnWhateverTheTerminalHas() {
        let values = [0.0, 1, 2, 3, 4, 5, 6, 8]
        #expect(Charts.braille(values, width: 4) == "⣀⣠⣴⣾")
        for (glyphs, shown) in [(Glyphs.unicode, "⣀⣠⣴⣾"), (.blocks, "▂▄▆█"), (.ascii, ".-=#")] {
            var grid = Grid(width: 4, height: 1, glyphs: glyphs)
            grid.put(0, 0, Charts.braille(values, width: 4), .chart)
            #expect(grid.text == shown + "\n")
        }
        var grid = Grid(width: 5, height: 1, glyphs: .ascii)
        grid.put(0, 0, "_░▒▓█", .chart)
        #expect(grid.text == "_.+%#\n")
    }
}
