import Grid
import Observatory
import Primitives
import Testing

@testable import Console

// Two clusters that were meant to be the same.
extension Sample {
    static let differences: [ClusterSettings.Difference] = [
        .init(topic: nil, setting: "log.retention.ms", here: "604800000", there: "86400000"),
        .init(topic: "audit-log", setting: "topic", here: "1 × 3", there: nil),
        .init(topic: "orders", setting: "partitions", here: "6", there: "12"),
        .init(topic: "orders", setting: "retention.ms", here: "86400000", there: "604800000 (default)"),
        .init(topic: "returns", setting: "topic", here: nil, there: "3 × 3"),
    ]

    static func named(_ driver: Driver) -> Driver {
        driver.console.options.contexts = ["dev", "staging"].map {
            ContextEntry(name: $0, bootstrap: "\($0):9092", security: "TLS", isReadOnly: false, origin: "contexts.yaml:1")
        }
        return driver
    }

    static func ticket(_ driver: Driver) -> Int? {
        for case .compare(let ticket, _) in driver.takeRequests().reversed() { return ticket }
        return nil
    }

    static func compared(_ driver: Driver) {
        _ = named(driver).takeRequests()
        driver.send(.command("diff staging"))
        driver.send(.compared(ticket: ticket(driver) ?? -1, .success(differences)))
    }

    static func comparedInVain(_ driver: Driver) {
        _ = named(driver).takeRequests()
        driver.send(.command("diff staging"))
        let failure = ConsoleFailure("no broker at staging:9092: connection refused.")
        driver.send(.compared(ticket: ticket(driver) ?? -1, .failure(failure)))
        _ = driver.wait(Console.flashMs)
    }
}

/// Two clusters compared, as somebody does before a move.
@Suite struct DiffStories {
    private func driver() -> Driver { Sample.named(Driver(width: 120, height: 40)) }

    @Test func whatDiffersIsListedAndItsTopicOpened() {
        let driver = driver()
        driver.send(.command("diff staging")).expectPlace(.diff("staging")).expect("Reading topics and settings of dev and staging")
        driver.expectRequest(.compare(ticket: driver.console.lastTicket, with: "staging"))
        driver.send(.compared(ticket: driver.console.lastTicket, .success(Sample.differences))).expect("Diff(dev against staging)[5]")
        driver.expect("only here").expect("only there").expect("604800000 (default)").expect("(all brokers)")
        driver.press("down down enter").expectPlace(.topic("orders")).press("esc").expectPlace(.diff("staging"))
        #expect(driver.takeRequests().filter { if case .compare = $0 { true } else { false } }.count == 1, "coming back does not ask again")
        driver.press("G enter").expectPlace(.diff("staging")).expect("returns is only there: topic returns @staging goes to it.")
        driver.press("g enter").expect("This holds for all brokers")
        driver.press("/").type("only here").press("enter").expect("audit-log").expectNot("returns")
        driver.press("esc !").expect("audit-log").expect("returns").expectNot("orders")
    }

    @Test func aClusterThatCannotBeReachedSaysSoAndWhatWasSeenStays() {
        let driver = driver()
        Sample.comparedInVain(driver)
        driver.expect("dev and staging could not be compared.").expect("no broker at staging:9092: connection refused.")
        driver.press("r")
        let ticket = driver.console.lastTicket
        driver.expectRequest(.compare(ticket: ticket, with: "staging"))
        driver.send(.compared(ticket: ticket, .success(Sample.differences))).expect("retention.ms").expectNot("could not be compared")
        driver.press("r").send(.compared(ticket: driver.console.lastTicket, .failure(ConsoleFailure("no broker there."))))
        driver.expect("retention.ms").expect("! no broker there.")
    }

    @Test func theSameClusterTwiceAndAnotherAfterIt() {
        let driver = driver()
        driver.send(.command("diff staging"))
        let first = driver.console.lastTicket
        // Impatience asks once; what an earlier question brings is not shown for a later one.
        driver.press("r r")
        #expect(driver.console.lastTicket == first)
        driver.send(.command("diff dev"))
        driver.send(.compared(ticket: first, .success(Sample.differences))).expectNot("retention.ms")
        driver.send(.compared(ticket: driver.console.lastTicket, .success([])))
        driver.expect("No differences: topics and settings are the same in dev and dev.")
    }

    @Test func aNameThatIsNoContextIsNotAskedFor() {
        let driver = driver()
        driver.send(.command("diff nowhere")).expect("There is no context nowhere")
        #expect(Sample.ticket(driver) == nil)
        driver.send(.command("diff")).expect("diff wants a name.")
        driver.send(.command("contexts")).press("down D").expectPlace(.diff("staging"))
        driver.send(.input(.resize(width: 120, height: 40))).press(":").type("diff st").press("tab enter").expectPlace(.diff("staging"))
    }
}
