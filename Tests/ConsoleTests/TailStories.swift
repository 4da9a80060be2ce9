import Grid
import Observatory
import Primitives
import Testing

@testable import Console

/// The live tail.
@Suite struct TailStories {
    private func tailing(_ update: TailUpdate? = Sample.messages(session: 1), width: Int = 80, height: Int = 24) -> Driver {
        let driver = Driver(width: width, height: height).press("3 down down down l")
        if let update { driver.send(.tail(update)) }
        return driver
    }

    private func update(_ session: Int, _ range: Range<Int64>, skipped: Int = 0) -> TailUpdate {
        let messages = range.map { Sample.message(0, $0, key: "k\($0)", value: Bytes("value \($0)")) }
        return TailUpdate(session: session, messages: messages, skipped: skipped, isCaughtUp: true)
    }

    @Test func startsWithTheLastHundredAndFollows() {
        let driver = tailing().expectPlace(.tail("orders")).expectRequest(
            .startTail(TailQuery(session: 1, topic: "orders", start: .last(100))))
        driver.expect("following").expect("0:43")
        driver.send(.tail(update(1, 100..<101))).expect("0:100")
    }

    @Test func aPartitionsRowTailsThatPartition() {
        Driver().press("3 down enter down enter").expectRequest(
            .startTail(TailQuery(session: 2, topic: "clicks", partition: 1, start: .last(100)))
        ).expect("Tail(clicks-1)")
    }

    @Test func scrollingUnfollowsAndGFollowsAgain() {
        let driver = tailing().press("up up").expect("not following")
        let selected = driver.console.view.tail?.selectedPosition
        driver.send(.tail(update(1, 100..<130)))
        #expect(driver.console.view.tail?.selectedPosition == selected)
        driver.expectNot("0:129").press("G").expect(" following").expect("0:129")
        driver.press("g")
        #expect(driver.console.view.tail?.selectedPosition == 0)
        driver.press("F").expect("0:129")
    }

    @Test func pauseStopsTheReader() {
        let driver = tailing().press("p").expectRequest(.pauseTail(session: 1, true)).expect("paused")
        driver.press("p").expectRequest(.pauseTail(session: 1, false)).expectNot("paused")
    }

    @Test func startsElsewhere() {
        let starts: [(String, TailStart)] = [
            ("0", .end), ("1", .beginning), ("2", .ago(milliseconds: 60_000)), ("5", .ago(milliseconds: 3_600_000)),
            ("6", .ago(milliseconds: 86_400_000)),
        ]
        for (key, start) in starts {
            let driver = tailing().press(key)
            driver.expectRequest(.stopTail(session: 1)).expectRequest(.startTail(TailQuery(session: 2, topic: "orders", start: start)))
        }
        let driver = tailing().press("o").type("nonsense").expect("offset, -100, 2h").press("ctrl-u").type("1234").press("enter")
        driver.expectRequest(.startTail(TailQuery(session: 2, topic: "orders", start: .offset(1234))))
    }

    @Test func newsOfAnEarlierReadingAreDropped() {
        let driver = tailing().press("0").send(.tail(update(1, 500..<501))).expectNot("0:500")
        driver.send(.tail(update(2, 500..<501))).expect("0:500")
    }

    @Test(arguments: [
        ("k:c-3", 6), ("v:\"plain text\"", 1), ("h:trace", 8), ("!amount", 3), ("k:c-1 v:order", 6), ("escape|tombstone", 1),
        ("amount.:0,", 1),
        ("p:2", 14), ("k:nothing", 0), ("(", 1), ("\\d{4}", 40),
    ])
    func filters(text: String, count: Int) {
        let driver = tailing().press("/").type(text)
        #expect(driver.console.view.tail?.shown.count == count, "\(text)")
        driver.press("esc")
        #expect(driver.console.view.tail?.shown.count == 44)
    }

    @Test func aFilterHoldsForWhatComesAndEscClearsItFirst() {
        let driver = tailing().press("/").type("k:k7").press("enter").expect("[0/44]").expect("None of 44 messages matches.")
        driver.send(.tail(update(1, 0..<80))).expect("[11/124]").press("esc").expectPlace(.tail("orders")).expectNot("</k:k7>").press("esc")
            .expectPlace(.topics)
        driver.expectRequest(.stopTail(session: 1))
    }

    @Test func viewsOfAMessage() {
        let driver = tailing(width: 120, height: 40).press("y").expect("\"deep\": {").press("y x").expect("7b 22 61").press("x h").expect(
            "[trace-id=4bf92f3577b3]")
        driver.press("t").expectNot("10:30:00.731").press("w").expect("wrap").press("f").expectNot("kastellan").press("esc").expect(
            "kastellan")
    }

    @Test func openingShowsAllOfAMessage() {
        let driver = tailing(height: 40).press("up enter").expect("Message(orders-2 @ 42)").expect("00000000  00 01 02 ff").press("esc")
            .expectPlace(.tail("orders"))
        driver.press("down enter").expect("\"deep\": {").press("x").expect("7b 22 61").press("c")
        #expect(driver.takeRequests().contains { if case .copy = $0 { true } else { false } })
    }

    @Test func marksAreSavedAndCopied() {
        let driver = tailing().press("g m m").expect("2 marked").press("c")
        driver.expectRequest(.copy(Sample.messages(session: 1).messages.prefix(2).map { $0.value?.string ?? "" }.joined(separator: "\n")))
        driver.press("ctrl-s").expect("save to orders-20261121-103000.jsonl").press("ctrl-u").type("out.jsonl").press("enter")
        guard case .save(let name, let text)? = driver.takeRequests().last else { return #expect(Bool(false)) }
        #expect(name == "out.jsonl" && text.split(separator: "\n").count == 2)
        #expect(
            text.hasPrefix(
                "{\"topic\":\"orders\",\"partition\":0,\"offset\":0,\"timestamp\":1795257000000,"
                    + "\"key\":\"c-0\",\"value\":\"{\\\"order\\\":1000"
            ))
        driver.send(.saved(.success("out.jsonl"))).expect("Saved to out.jsonl.").send(.saved(.failure(ConsoleFailure("No room.")))).expect(
            "No room.")
    }

    @Test func exportKeepsBytesThatAreNoText() {
        let line = TailExport.line(Sample.message(0, 1, key: nil, value: Bytes([0xFF, 0]), headers: [TailMessage.Header("h\n", nil)]))
        #expect(
            line
                == "{\"topic\":\"orders\",\"partition\":0,\"offset\":1,\"timestamp\":1795257000017,"
                + "\"key\":null,\"valueHex\":\"ff00\",\"headers\":[{\"name\":\"h\\n\",\"value\":null}]}"
        )
    }

    @Test func memoryIsBoundedByCount() {
        let driver = tailing(nil)
        for batch in 0..<12 { driver.send(.tail(update(1, Int64(batch) * 1000..<Int64(batch + 1) * 1000))) }
        let tail = driver.console.view.tail
        #expect((tail?.held.count ?? 0) <= TailState.messagesMax && (tail?.dropped ?? 0) > 1000 && tail?.received == 12_000)
        driver.expect("let go").expect("0:11999")
    }

    @Test func readingFromTheBeginningStartsAtTheTopAndIsNotOverrun() {
        let driver = tailing(nil).press("1")
        driver.send(.tail(update(2, 0..<100))).expect("0:0 ").expectNot("0:99")
        for batch in 1..<9 { driver.send(.tail(update(2, Int64(batch) * 1000..<Int64(batch + 1) * 1000))) }
        driver.expectRequest(.pauseTail(session: 2, true)).expect("0:0 ").expect("reads on as you come near the end")
        #expect(driver.console.view.tail?.dropped == 0)
        driver.press("G").expectRequest(.pauseTail(session: 2, false)).expect(" following")
    }

    @Test func memoryIsBoundedByBytes() {
        let driver = tailing(nil)
        let big = Bytes([UInt8](repeating: 0x61, count: 1 << 20))
        for i in 0..<40 { driver.send(.tail(TailUpdate(session: 1, messages: [Sample.message(0, Int64(i), key: nil, value: big)]))) }
        #expect((driver.console.view.tail?.held.count ?? 99) <= 32)
        driver.press("w y x enter esc")
    }

    @Test func aSearchThroughMillionsKeepsWhatItFound() {
        let driver = tailing(nil).press("/").type("v:\"value 7$\"").press("enter")
        for batch in 0..<15 { driver.send(.tail(update(1, Int64(batch) * 1000..<Int64(batch + 1) * 1000))) }
        driver.expect("[1/15,000]").expect("value 7")
    }

    @Test func sampledStreamsSaySo() {
        tailing().send(.tail(update(1, 0..<1, skipped: 98_765))).expect("sampled: 98,765 not shown")
    }

    @Test func troubleIsSaid() {
        tailing(nil).send(.tail(TailUpdate(session: 1, error: "TOPIC_AUTHORIZATION_FAILED"))).expect("TOPIC_AUTHORIZATION_FAILED")
        tailing().send(.tail(TailUpdate(session: 1, error: "broker 1 is gone"))).expect("! broker 1 is gone").expect("0:43")
    }

    @Test func aTailThatWasLeftSaysItHasStopped() {
        let driver = tailing().press(":").type("groups").press("enter").expectRequest(.stopTail(session: 1)).press("-").expect("stopped")
            .expect("0:43")
        driver.press("p")
        #expect(driver.takeRequests().contains { if case .startTail = $0 { true } else { false } })
    }

    @Test func theMouseSelectsAndOpens() {
        let driver = tailing().send(.input(.mouse(MouseEvent(.press, column: 5, row: 5))))
        driver.expect("not following")
        driver.send(.input(.mouse(MouseEvent(.doublePress, column: 5, row: 5)))).expect("Message(orders-")
        tailing().send(.input(.mouse(MouseEvent(.wheelUp, column: 5, row: 5)))).expect("not following")
    }
}

@Suite struct TailTexts {
    @Test(arguments: [
        ("begin", TailStart.beginning), ("end", .end), ("1234", .offset(1234)), ("-100", .last(100)), ("2h", .ago(milliseconds: 7_200_000)),
        ("PT90S", .ago(milliseconds: 90_000)), ("1h30m", .ago(milliseconds: 5_400_000)), ("@1769853600000", .timestamp(1_769_853_600_000)),
        ("@2026-01-31T10:00", .timestamp(1_769_853_600_000)), ("2026-01-31 10:00:00.000Z", .timestamp(1_769_853_600_000)),
        ("2026-01-31", .timestamp(1_769_817_600_000)),
    ])
    func starts(text: String, start: TailStart) { #expect(TailStart(text) == start) }

    @Test(arguments: [
        "", "-", "-0", "x", "2026-13-01", "2026-02-30", "@", "@25:00", "2026-01-31T24:00", "1h-", "h", "99999999999999999999",
        "9999999999999w",
    ])
    func noStarts(text: String) { #expect(TailStart(text) == nil) }

    @Test func prettyJSONKeepsEveryDigit() {
        #expect(
            JSONPretty.lines("{\"a\":1.000000000000000000001,\"b\":[],\"c\":{ },\"d\":[1, 2]}") == [
                "{", "  \"a\": 1.000000000000000000001,", "  \"b\": [],", "  \"c\": {},", "  \"d\": [", "    1,", "    2", "  ]", "}",
            ])
        #expect(JSONPretty.lines("{\"a\":\"}\\\"{\"}") == ["{", "  \"a\": \"}\\\"{\"", "}"])
    }

    @Test(arguments: [
        "", "plain", "{", "[}", "{\"a", "}{", String(repeating: "[", count: 100) + String(repeating: "]", count: 100), "[\"\\",
    ])
    func whatIsNoJSONIsLeftAlone(text: String) { #expect(JSONPretty.lines(text) == nil) }

    @Test func bytesAreTextOrNot() {
        #expect(!Payload.isBinary(Bytes("héllo\n\t")))
        #expect(Payload.isBinary(Bytes([0, 1])))
        #expect(Payload.isBinary(Bytes([0xC3, 0x28, 0x41, 0x41, 0x41])))
        #expect(!Payload.isBinary(Bytes("日本".utf8.dropLast(1).map { $0 })), "a text cut in the middle of a scalar is still a text")
        #expect(!Payload.isBinary(.empty))
    }
}
