import Grid
import Observatory
import Primitives
import Testing

@testable import Console

@Suite struct KeyTable {
    static let places: [Place] = [
        .overview, .brokers, .topics, .topic("t"), .groups, .group("g"), .events, .configs(.topic("t")), .tail("t"), .message("m"),
        .describe(.topic("t")), .help, .partitions, .reassignments, .quorum, .describe(.partition(TopicPartition("t", 0))), .heat,
        .contexts, .clusters, .why(.group("g")), .clients, .features, .diff("c"), .connectors, .connector(ConnectorName("c", "n")),
    ]

    @Test func noKeyMeansTwoThingsInOnePlace() {
        for place in KeyTable.places { #expect(KeyMap.standard.conflicts(in: place) == [], "\(place)") }
    }

    @Test func conflictsWouldBeFound() {
        let map = KeyMap(bindings: [KeyBinding("a", .up, [.everywhere], ""), KeyBinding("a b", .down, [.topics], "")])
        #expect(map.conflicts(in: .topics) == ["a: up and down"])
        #expect(map.conflicts(in: .groups) == [])
    }

    @Test func everyKeyNameIsAKeyAndReadsBack() {
        for binding in KeyMap.standard.bindings {
            #expect(!binding.keys.isEmpty && !binding.help.isEmpty)
            for key in binding.keys { #expect(Key(name: key.name) == key, "\(key.name)") }
        }
    }

    @Test func everyActionHasAKeyAndEveryChangeIsMarked() {
        for action in Action.allCases { #expect(KeyMap.standard.bindings.contains { $0.action == action }, "\(action)") }
        for action in [
            Action.create, .delete, .purge, .produce, .edit, .resetConfig, .resetOffsets, .addPartitions, .undo, .reassign, .drain,
            .electLeaders,
        ] {
            let unmarked = KeyMap.standard.bindings.filter { $0.action == action && !$0.isChange }
            #expect(unmarked == [])
        }
    }

    @Test func thereIsNoWayOfKillingWithControlK() {
        for place in KeyTable.places { #expect(KeyMap.standard.action(for: Key(.character("k"), .control), in: place) == nil) }
    }

    @Test func everyKeyInEveryPlaceDoesNotTrap() {
        let all = KeyMap.standard.bindings.flatMap(\.keys)
        for cluster in [Sample.replicating(), Sample.hostile()] {
            for keys in ["1", "2", "3", "3 enter", "4", "4 enter", "4 w", "5", "6", "7", "8", "9", "3 e", "3 l", "3 l enter", "3 d", "?"] {
                let there = Driver(cluster, width: 61, height: 17).press(keys)
                for key in all {
                    let driver = Driver(from: there)
                    driver.send(.input(.key(key))).send(.input(.key(Key(.enter)))).send(.input(.key(Key("x"))))
                    _ = driver.screen
                }
            }
        }
    }
}

@Suite struct OddSizes {
    @Test func everyScreenFitsEverySize() {
        let sizes = [
            (0, 0), (1, 1), (2, 2), (3, 40), (39, 10), (40, 10), (41, 11), (50, 12), (61, 17), (79, 23), (99, 31), (100, 32), (133, 37),
            (149, 50), (300, 100),
        ]
        for sample in SampleScreen.all {
            for (width, height) in sizes {
                let driver = sample.make(width, height)
                #expect(driver.screen.width == width && driver.screen.height == height)
                // Drawn at another size than the one last told, as between a resize and its event.
                _ = driver.console.render(width: height, height: width)
                driver.send(.input(.resize(width: 80, height: 24))).press("down end up pgup tab")
                _ = driver.screen
            }
        }
    }

    @Test func asciiScreensAreASCII() {
        for sample in SampleScreen.all {
            let made = sample.make(100, 30)
            let driver = Driver(made.console.snapshot, width: 100, height: 30, glyphs: .ascii)
            driver.press("3")
            #expect(driver.screen.cells.allSatisfy { $0.base.isASCII && $0.marks.isEmpty })
        }
        let driver = Driver(width: 100, height: 30, glyphs: .ascii).press("3 down down down l").send(.tail(Sample.messages(session: 1)))
        #expect(driver.screen.cells.allSatisfy { $0.base.isASCII })
        driver.expect("+----").expect("???")
    }
}

@Suite struct Hostility {
    @Test func nothingFromTheClusterReachesTheScreenRaw() {
        for keys in ["1", "2", "3", "4", "4 G enter", "4 G d", "5", "5 d", "3 down down down down e", "3 d", "4 G s", "3 ctrl-d"] {
            let driver = Driver(Sample.hostile(), width: 160, height: 50).press(keys)
            for cell in driver.screen.cells {
                #expect(Escape.isSafe(cell.base))
                for mark in cell.marks.unicodeScalars { #expect(Escape.isSafe(mark)) }
            }
        }
        Driver(Sample.hostile(), width: 160, height: 50).press("4").expect("^[[2J^[]0;pwned^G<U+202E>gro<U+009B>31mup^?")
    }

    @Test func payloadsOfAllBytes() {
        let driver = Driver().press("3 l")
        let all = Bytes((0...255).map { UInt8($0) })
        let headers = [TailMessage.Header("\u{1B}]52;c;aGk=\u{7}", all)]
        let message = TailMessage(
            partition: TopicPartition("x", 0), offset: 0, timestamp: .none, key: all, value: Bytes("\u{1B}[2J\u{202E}{\"a\":\"\u{9B}\"}"),
            headers: headers)
        driver.send(.tail(TailUpdate(session: 1, messages: [message]))).press("h")
        for keys in ["y", "w", "x", "enter", "x"] {
            driver.press(keys)
            #expect(driver.screen.cells.allSatisfy { Escape.isSafe($0.base) })
        }
    }

    @Test func planTextsAreEscaped() {
        var plan = Sample.deletePlan()
        let evil = "\u{1B}[31m\u{202E}x"
        (plan.title, plan.kafkaCommand) = (evil, evil)
        (plan.touches, plan.warnings, plan.obstacles, plan.columns) = ([evil], [evil], [evil], [evil])
        plan.rows = [Plan.Row([evil])]
        let driver = Driver().press("3 ctrl-d").send(.planned(ticket: 1, .success(plan)))
        #expect(driver.screen.cells.allSatisfy { Escape.isSafe($0.base) && $0.base != "\u{FFFD}" })
    }
}

@Suite struct Patterns {
    @Test(arguments: [
        ("abc", "xabcx", true), ("ABC", "xabcx", false), ("abc", "xABCx", true), ("a.c", "abc", true), ("^abc$", "abc", true),
        ("^b", "abc", false),
        ("a|b", "b", true), ("(ab)+", "abab", true), ("a{2,3}", "a", false), ("a{2,3}", "aa", true), ("a{0}b", "b", true),
        ("[a-c]+\\d", "cab7", true),
        ("[^0-9]", "123", false), ("\\bfoo\\b", "a foo b", true), ("\\bfoo\\b", "afoob", false), ("\\$", "$", true), ("[]]", "]", true),
        ("a??b", "b", true),
        ("é", "É", true), ("(?:x|y)z", "yz", true), ("a{x}", "a{x}", true), ("", "anything", true), ("\\w+@\\w+", "me@home", true),
        ("x*", "", true), ("(a*)*", "b", true),
    ])
    func matching(pattern: String, text: String, expected: Bool) throws {
        #expect(try Pattern(pattern).matches(text) == expected, "\(pattern) on \(text)")
    }

    @Test(arguments: [
        ("(", Pattern.Failure.unclosedGroup), (")", .unopenedGroup), ("[a", .unclosedClass), ("*", .nothingToRepeat),
        ("a\\", .trailingBackslash), ("a{3,2}", .badRepeat),
        ("a{2000}", .tooLarge), ("((a{100}){100}){100}", .tooLarge),
    ])
    func failures(pattern: String, failure: Pattern.Failure) { #expect(throws: failure) { _ = try Pattern(pattern) } }

    @Test func rangesAreLeftmostAndLongest() throws {
        #expect(try Pattern("a+").ranges(in: "caaabaa") == [1..<4, 5..<7])
        #expect(try Pattern("x*").ranges(in: "axxb") == [1..<3])
        #expect(try Pattern("o").ranges(in: "日本o") == [2..<3])
    }

    @Test func timeIsLinearWhateverThePattern() throws {
        let text = String(repeating: "a", count: 20_000)
        #expect(try Pattern("(a*)*(a|aa)*b").matches(text) == false)
        #expect(try Pattern("(a|a)*(a|a)*(a|a)*c").matches(text) == false)
    }
}

@Suite struct Editing {
    private func edited(_ text: String, _ keys: String) -> String {
        var field = TextField(text)
        for name in keys.split(separator: " ") { if let key = Key(name: String(name)) { _ = field.handle(key) } }
        return field.text
    }

    @Test func readlineKeys() {
        #expect(edited("one two three", "ctrl-w") == "one two ")
        #expect(edited("one two three", "ctrl-a alt-d") == " two three")
        #expect(edited("one two three", "alt-b ctrl-k") == "one two ")
        #expect(edited("one two", "alt-b ctrl-u") == "two")
        #expect(edited("one two", "ctrl-w ctrl-a ctrl-y") == "twoone ")
        #expect(edited("abc", "left backspace x") == "axc")
        #expect(edited("abc", "home delete") == "bc")
        #expect(edited("abc", "ctrl-b ctrl-b ctrl-d ctrl-f ctrl-h") == "a")
        #expect(edited("", "backspace delete left right ctrl-k ctrl-w") == "")
    }

    @Test func boundedAndClean() {
        var field = TextField()
        field.insert(String(repeating: "x", count: 10_000))
        #expect(field.text.utf8.count == TextField.lengthMax)
        field = TextField()
        field.insert("a\u{1B}\u{7F}\tb\r\nc")
        #expect(field.text == "a b c")
        field = TextField("日本")
        #expect(field.cursorColumn == 4)
    }
}
