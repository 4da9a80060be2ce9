import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// Keys, columns and programs as somebody wants them.
@Suite struct CustomStories {
    private func wish(_ name: String, _ keys: [String], line: Int = 7) throws -> Rebinding {
        try Rebinding.parse(name, keys: keys, origin: String(line)).get()
    }

    @Test(arguments: KeyMap.presetNames) func everyPresetIsSound(name: String) throws {
        let map = try #require(KeyMap.preset(name))
        for place in KeyMap.places { #expect(map.conflicts(in: place) == [], "\(place)") }
        for action in Action.allCases { #expect(map.bindings.contains { $0.action == action && !$0.keys.isEmpty }, "\(action)") }
    }

    @Test func presetsAreWhatFingersKnow() throws {
        let vim = try #require(KeyMap.preset("vim"))
        #expect(vim.action(for: Key(.character("d"), .control), in: .topics) == .halfDown)
        #expect(vim.action(for: Key("D"), in: .topics) == .delete)
        let lazygit = try #require(KeyMap.preset("lazygit"))
        #expect(lazygit.action(for: Key("d"), in: .topics) == .delete && lazygit.action(for: Key("i"), in: .topics) == .describe)
        let htop = try #require(KeyMap.preset("htop"))
        #expect(htop.action(for: Key("I"), in: .groups) == .sortReverse)
        #expect(KeyMap.preset("emacs") == nil)
    }

    @Test func anActionGetsOtherKeysEverywhereOrInOneView() throws {
        let everywhere = try KeyMap.standard.rebound([try wish("delete", ["K"])]).get()
        #expect(everywhere.action(for: Key("K"), in: .topics) == .delete && everywhere.action(for: Key("K"), in: .group("g")) == .delete)
        #expect(everywhere.action(for: Key(.character("d"), .control), in: .topics) == nil)
        let one = try KeyMap.standard.rebound([try wish("groups.delete", ["K"])]).get()
        #expect(one.action(for: Key("K"), in: .groups) == .delete && one.action(for: Key("K"), in: .topics) == nil)
        #expect(one.action(for: Key(.character("d"), .control), in: .topics) == .delete)
        let none = try KeyMap.standard.rebound([try wish("suspend", [])]).get()
        #expect(none.action(for: Key(.character("z"), .control), in: .topics) == nil)
    }

    @Test func aKeyThatWouldMeanTwoThingsIsRefusedWithItsLine() throws {
        let result = KeyMap.standard.rebound([try wish("refresh", ["R"], line: 3), try wish("delete", ["e"], line: 4)])
        guard case .failure(let failure) = result else { throw Odd.accepted }
        #expect(failure.message.hasPrefix("3: ") || failure.message.hasPrefix("4: "))
        #expect(failure.message.contains("would be both"))
        // Two that change places are no conflict.
        let swapped = [try wish("describe", ["e"]), try wish("configs", ["d"])]
        #expect(try KeyMap.standard.rebound(swapped).get().action(for: Key("e"), in: .topics) == .describe)
    }

    @Test func whatIsNotThereIsNamed() {
        let wrong = [("nothing", ["a"], "no action"), ("nowhere.delete", ["a"], "no view"), ("delete", ["hyper-a"], "no key")]
        for (name, keys, text) in wrong {
            guard case .failure(let failure) = Rebinding.parse(name, keys: keys, origin: "9") else { Issue.record("\(name)"); continue }
            #expect(failure.message.hasPrefix("9: ") && failure.message.contains(text))
        }
    }

    private enum Odd: Error { case accepted }

    // MARK: Columns

    @Test func columnsAreChosenOrderedAndSorted() {
        let driver = Driver()
        var wish = ColumnWish(view: "topics")
        (wish.order, wish.sort) = (["messages", "PARTS"], "-MESSAGES")
        driver.console.options.columns = [wish]
        driver.press("3")
        #expect(driver.console.tables[0].model.columns.map(\.title) == ["NAME", "MESSAGES", "PARTS"])
        driver.expectRows(["clicks", "orders", "payments", "inventory.changes", "audit-log"])
        driver.press("down e").expectPlace(.configs(.topic("orders")))
    }

    @Test func titlesAreKnownBeforehand() throws {
        let titles = try #require(Console.columnTitles(of: "topics"))
        #expect(titles.contains("MESSAGES") && Console.columnTitles(of: "nothing") == nil)
        var wish = ColumnWish(view: "topics")
        wish.order = ["MESSAGES", "LUCK"]
        #expect(wish.unknown(among: titles) == ["LUCK"])
    }

    // MARK: Programs

    private func driver(confirms: Bool = false, _ words: [String] = ["kcat", "-t", "${topic}", "a ${context}; rm"]) throws -> Driver {
        let driver = Driver()
        let key = try #require(Key(name: "f7"))
        driver.console.options.commands = [
            ExternalCommand(
                key: key, name: "look", contexts: [.topics, .groups], words: words, confirms: confirms, isDetached: false, origin: "1")
        ]
        return driver
    }

    private func requested(_ driver: Driver) -> ExternalRun? {
        for case .external(let run) in driver.takeRequests() { return run }
        return nil
    }

    @Test func aProgramGetsWhatIsSelected() throws {
        let driver = try driver().press("3 down down down f7")
        let run = try #require(requested(driver))
        #expect(run.words == ["kcat", "-t", "orders", "a dev; rm"])
        #expect(run.environment.contains(.init(name: "KASTELLAN_TOPIC", value: "orders")))
        #expect(run.environment.contains(.init(name: "KASTELLAN_BOOTSTRAP", value: "localhost:9092")))
        #expect(run.environment.contains { $0.name == "KASTELLAN_COLUMN_PARTS" && $0.value == "6" })
        driver.press("?")
        #expect(driver.console.document.contains { line in line.contains { $0.text == "YOUR OWN" } })
    }

    @Test func itIsThereInItsViewsOnly() throws {
        #expect(requested(try driver().press("2 f7")) == nil)
        // A group is no topic: nothing is run with an empty word.
        let driver = try driver().press("4 f7").expect("look: there is no topic here")
        #expect(requested(driver) == nil)
    }

    @Test func itAsksWhereItIsTo() throws {
        let driver = try driver(confirms: true).press("3 f7").expect("kcat -t audit-log")
        #expect(requested(driver) == nil)
        driver.press("n")
        #expect(requested(driver) == nil)
        driver.press("f7 y")
        #expect(requested(driver)?.words.first == "kcat")
    }

    /// A name from the cluster is one word, whatever is in it.
    @Test func namesFromTheClusterStayOneWord() throws {
        let driver = try driver(["x", "${topic}"])
        driver.send(.snapshot(Sample.hostile())).press("3")
        for _ in 0..<8 {
            driver.press("f7 down")
            if let run = requested(driver) { #expect(run.words.count == 2) }
        }
    }
}
