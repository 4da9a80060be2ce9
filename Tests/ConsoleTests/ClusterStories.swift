import Grid
import Observatory
import Primitives
import Testing

@testable import Console

extension Driver {
    /// Three named clusters at a glance: the busy one the console is on, one that is well, one that cannot be reached.
    static func withClusters(width: Int = 120, height: Int = 40) -> Driver {
        let driver = Driver.withContexts(width: width, height: height)
        driver.console.options.bootstrap = ["k1.example.net:9093", "k2.example.net:9093"]
        driver.press("*")
        let refused = ClusterSighting(.failed("cannot reach the cluster: localhost:9092: connection refused"))
        driver.send(.sighted("staging", .well)).send(.sighted("kaf/local", refused))
        return driver
    }
}

extension ClusterSighting {
    /// Nothing wrong, and some traffic.
    static var well: ClusterSighting {
        var snapshot = Sample.empty()
        let orders = Sample.topic("orders", 6, 1000, rate: 12)
        snapshot.topics["orders"] = orders
        snapshot.health.partitions = 6
        snapshot.throughput.append(RateSample(time: noon, messages: 12, bytes: 100))
        return ClusterSighting(snapshot) ?? ClusterSighting()
    }
}

/// All clusters that have a name, side by side.
@Suite struct ClusterStories {
    @Test func onlyWhatIsLookedAtIsAsked() {
        let driver = Driver.withContexts()
        driver.console.options.bootstrap = ["k1.example.net:9093"]
        // The one the console is on is known anyway, and read as the overview wants it.
        driver.press("*").expectPlace(.clusters).expectRequest(.watchClusters(["kaf/local", "staging"]))
        _ = driver.takeRequests()
        driver.press("down d").expectPlace(.describe(.cluster("prod")))
        #expect(driver.takeRequests().isEmpty)
        driver.press("esc esc 3").expectRequest(.watchClusters([]))
        driver.press("-").expectRequest(.watchClusters(["kaf/local", "staging"]))
    }

    /// The same name is not the same cluster: a console that was told an address asks the context too.
    @Test func aNameAloneIsNotTheCluster() {
        let driver = Driver.withContexts()
        driver.press(":").type("clusters").press("enter").expectRequest(.watchClusters(["kaf/local", "prod", "staging"]))
    }

    @Test func eachSaysHowItStands() {
        let driver = Driver.withClusters(width: 200)
        driver.expectRows(["kaf/local", "prod", "staging"]).expect("✗ lost").expect("connection refused").expect("! trouble")
        driver.expect("✓ well")
        driver.expect("3/3").expect("1/1").expect("read-only").expect("UNDER REPL")
        // Trouble alone, and the worst last.
        driver.press("!").expectRows(["kaf/local", "prod"]).press("! S").expectRows(["staging", "prod", "kaf/local"])
    }

    /// A cluster that is lost keeps what was seen of it, and its age; the others are not touched by that.
    @Test func whatWasSeenStaysWithItsAge() {
        let driver = Driver.withClusters(width: 200)
        #expect(driver.console.nextDeadline?.milliseconds(since: driver.now.instant) != 5_000)
        driver.send(.sighted("staging", ClusterSighting(.failed("hung up")))).wait(47_000).expect("45s").expect("hung up").expect("1/1")
        #expect(driver.console.clustersDeadline == driver.now.instant.adding(milliseconds: 5_000))
        driver.press("end d").expect("WHY IT CANNOT BE READ").expect("hung up").expect("AS IT WAS SEEN, 45s AGO").expect("contexts/staging")
        driver.send(.sighted("staging", .well)).expect("✓ well").expectNot("hung up")
    }

    @Test func enterGoesThere() {
        Driver.withClusters().press("end enter").expectRequest(.switchContext("staging", then: nil))
        let driver = Driver.withClusters().enter("staging")
        driver.expectRequest(.watchClusters([])).expectPlace(.overview)
    }

    @Test(arguments: [(80, 24), (120, 40), (200, 60)]) func whyItFailsCanBeReadAtAnyWidth(size: (Int, Int)) {
        let driver = Driver.withClusters(width: size.0, height: size.1)
        driver.expect("connection refused").expect("✗ lost").expect("✓ well").expect("OFFLINE")
    }

    /// Reasons come from outside.
    @Test func aReasonCannotSteerTheTerminal() {
        let driver = Driver.withClusters()
        driver.send(.sighted("kaf/local", ClusterSighting(.failed("\u{1B}[2Jx\u{9B}31m")))).press("home d")
        #expect(!driver.text.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x9B })
    }
}
