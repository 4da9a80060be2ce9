import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// Replicas, reassignments and faults, as a user comes to them.
@Suite struct ReplicationStories {
    private func driver(_ keys: String = "", width: Int = 120, height: Int = 40) -> Driver {
        Driver(Sample.replicating(), width: width, height: height).press(keys)
    }

    private func planned(_ driver: Driver) -> PlanAction? {
        for case .plan(_, let action) in driver.takeRequests() { return action }
        return nil
    }

    // MARK: Looking

    @Test func theReplicasFollowTheSelectedPartition() {
        let driver = driver("3 G enter")
        driver.expect("Replicas(payments-0)").press("down").expect("Replicas(payments-1)").expect("1,204")
        driver.press("tab down down").expectSelected("3").press("enter").expectPlace(.describe(.broker(3)))
        driver.press("esc").expect("Replicas(payments-1)")
    }

    @Test func aSmallScreenShowsOnePanelAtATime() {
        let driver = driver("3 G enter", width: 80, height: 14)
        driver.expect("Partitions(payments)").expectNot("Replicas(").press("tab").expect("Replicas(payments-0)")
    }

    @Test func troublesTurnRoundAndBack() {
        let driver = driver("6")
        driver.expect("Partitions(all)").press("f").expect("Partitions(offline)").expectRows(["clicks-7"])
        driver.press("f").expect("Partitions(under-replicated)").press("f").expectRows(["clicks-7", "inventory.changes-2"])
        driver.press("F F F F").expect("Partitions(being reassigned)").expectRows(["orders-0", "orders-1"])
        driver.press("f").expect("Partitions(all)")
    }

    @Test func troublesByCommand() {
        let driver = driver()
        driver.send(.command("partitions under-min-isr")).expect("Partitions(under min ISR)")
        driver.send(.command("partitions clicks")).expect("</clicks>")
        driver.send(.command("quorum")).expectPlace(.quorum).send(.command("moves")).expectPlace(.reassignments)
    }

    @Test func eachViewAsksForWhatItShows() {
        let driver = driver("6").expectRequest(.watch(Interest(.partitions)))
        driver.press("7").expectRequest(.watch(Interest(.reassignments))).press("8").expectRequest(.watch(Interest(.quorum)))
        driver.press("7 d").expectPlace(.describe(.partition(TopicPartition("orders", 0)))).expect("log end 746,672")
    }

    @Test func theNewestEventStaysInSightUntilSomebodyLooksBelow() {
        var snapshot = Sample.replicating()
        let driver = Driver(snapshot, width: 120, height: 40).press("5")
        func happen(_ broker: BrokerID) {
            snapshot.events.append(ClusterEvent(time: noon, kind: .brokerUp(broker: broker, address: "")))
            snapshot.eventCount += 1
            driver.send(.snapshot(snapshot))
        }
        happen(41)
        #expect(driver.console.selectedRow?.cells[2].text == "broker 41")
        driver.press("down down")
        let chosen = driver.console.selectedRow?.id
        happen(42)
        #expect(driver.console.selectedRow?.id == chosen, "a row that was chosen is held")
    }

    @Test func whatOneBrokerTookWithItIsOneLineInTheShortPanels() {
        var snapshot = Sample.replicating()
        func happen(_ kind: ClusterEvent.Kind, after seconds: Int64 = 0) {
            snapshot.events.append(ClusterEvent(time: Timestamp(milliseconds: noon.milliseconds + seconds * 1000), kind: kind))
            snapshot.eventCount += 1
        }
        let epochs = EpochChange(4, 5)
        happen(.brokerDown(broker: 2, reason: "killed"))
        for index in 0..<3 {
            let partition = TopicPartition("folded", Int32(index))
            happen(.leaderChanged(partition: partition, from: 2, to: 1, epochs: epochs, cause: "broker 2 is down"))
            happen(
                .inSyncReplicasChanged(
                    partition: partition, from: [1, 2], to: [1], leaderEpoch: 5, partitionEpochs: nil, cause: "broker 2 is down"))
        }
        happen(
            .leaderChanged(
                partition: TopicPartition("folded", 0), from: 1, to: 2, epochs: epochs, cause: "broker 2 is down"), after: 3)
        let rows = foldedEventRows(snapshot).prefix(4).map { row in row.cells.dropFirst().map(\.text).joined(separator: " | ") }
        #expect(rows[0].hasPrefix("leader changed | folded-0 | "), "three seconds later is another story")
        #expect(rows[1] == "isr shrunk | 3 partitions | broker 2 is down")
        #expect(rows[2] == "leader changed | 3 partitions | broker 2 is down")
        #expect(rows[3] == "broker down | broker 2 | killed")
    }

    @Test func faultsComeFirstAmongAllPartitions() {
        #expect(driver("6").console.selectedRow?.id == "clicks-7")
    }

    // MARK: Changing

    @Test func aTopicIsReassignedByForm() {
        let driver = driver("3 down m").expect("Reassign clicks").type("2, 3 4").press("tab tab").type("50M").press("tab enter")
        let wish = Reassign(.topics(["clicks"]), .brokers([2, 3, 4], factor: nil), throttle: 52_428_800)
        #expect(planned(driver) == .reassign(wish))
    }

    @Test func markedTopicsAndPartitionsGoTogether() {
        let topics = driver("3 space space m enter enter enter enter")
        #expect(planned(topics) == .reassign(Reassign(.topics(["audit-log", "clicks"]), .brokers([], factor: nil))))
        let partitions = driver("3 G enter space space M")
        partitions.expect("Move the leader of 2 partitions")
    }

    @Test func wrongNumbersAreSaidInTheForm() {
        driver("3 m").type("one").press("enter enter enter enter").expect("! Brokers: their numbers")
        driver("3 m tab tab").type("fast").press("tab enter").expect("! Throttle: bytes a second")
        driver("3 m tab").type("0").press("tab tab enter").expect("! Replicas each: a number from 1 to 100")
    }

    @Test func leadersAreElectedAndMoved() {
        let elect = driver("6 L enter")
        #expect(planned(elect) == .electLeaders(.partitions([TopicPartition("clicks", 7)]), unclean: false))
        let unclean = driver("6 L right enter")
        #expect(planned(unclean) == .electLeaders(.partitions([TopicPartition("clicks", 7)]), unclean: true))
        // The first choice is one that is in sync and does not lead yet.
        let move = driver("3 G enter down M").expect("To broker").press("enter")
        #expect(planned(move) == .reassign(Reassign(.partitions([TopicPartition("payments", 1)]), .leader(1))))
    }

    @Test func aBrokerIsDrained() {
        #expect(planned(driver("2 down D enter enter enter")) == .reassign(Reassign(.all, .leadersAway(2))))
        let whole = driver("2 down D right tab").type("1G").press("tab enter")
        #expect(planned(whole) == .reassign(Reassign(.all, .without(2), throttle: 1 << 30)))
    }

    @Test func theThrottleIsChangedAndRemovedWhileItRuns() {
        let change = driver("7 T").expect("10 MiB/s on 1,2,3,4").type("20M").press("enter")
        #expect(planned(change) == .throttle(20 << 20))
        #expect(planned(driver("7 T").type("none").press("enter")) == .throttle(nil))
        #expect(planned(driver("7 X")) == .throttle(nil))
    }

    @Test func whatIsOnItsWayIsCancelled() {
        #expect(planned(driver("7 ctrl-d")) == .cancelReassignments([TopicPartition("orders", 0)]))
        #expect(planned(driver("7 space space ctrl-d")) == .cancelReassignments([TopicPartition("orders", 0), TopicPartition("orders", 1)]))
        let leftover = driver("7 G ctrl-d").expect("Select a partition that is on its way")
        #expect(planned(leftover) == nil)
    }

    @Test func readOnlyMovesNothing() {
        let driver = Driver(Sample.replicating(), readOnly: true).press("3 m").expect("Read-only").press("2 D").expect("Read-only")
        driver.send(.chaos(Sample.conditions)).press("X k")
        #expect(planned(driver) == nil && driver.console.overlay == nil)
    }

    // MARK: Chaos

    @Test func chaosIsThereOnlyWhereTheClusterIsOurs() {
        let foreign = driver("2")
        foreign.expectNot("chaos on").press("X k")
        #expect(foreign.console.overlay == nil && !foreign.text.contains("X chaos"))
        let own = driver("2").send(.chaos(Sample.conditions))
        #expect(own.text.contains("X chaos"))
    }

    @Test func aBrokerIsKilledByTwoKeys() {
        let driver = driver("2").send(.chaos(Sample.conditions)).press("X").expect("Chaos on broker 1").press("k")
        driver.expectRequest(.chaos(1, .kill))
        driver.press("X c").expectRequest(.chaos(1, .cut(from: [2, 3, 4])))
    }

    @Test func onlyWhatMakesSenseIsOffered() {
        let driver = driver("2 down").send(.chaos(Sample.conditions)).press("X")
        driver.expect("heal its network").expectNot("cut it off").expectNot("slow its disk").press("esc down X")
        driver.expectNot("kill it").expect("start it").press("r").expectRequest(.chaos(3, .restart))
        driver.expect("! killed")
    }

    @Test func aForeignClusterHasNoChaosInItsHelp() {
        driver("2 ?").expectNot("fill the disk")
        driver("2").send(.chaos(Sample.conditions)).press("?").expect("fill the disk")
    }
}
