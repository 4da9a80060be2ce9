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
        let driver = tailing().press("o").type("nonsense").expect("offset, +10, -100, 2h").press("ctrl-u").type("1234").press("enter")
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
        guard case .save(let name, let bytes)? = driver.takeRequests().last else { return #expect(Bool(false)) }
        let text = bytes.string ?? ""
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

/// Several topics, seeking, searching, programs, transactions.
@Suite struct TailQueryStories {
    private func tailing(_ update: TailUpdate? = Sample.messages(session: 1), width: Int = 100, height: Int = 24) -> Driver {
        let driver = Driver(width: width, height: height)
        // A stand-in for jq: `size > N` and `upper`.
        driver.console.tools.compile = { text in
            if text == "upper" {
                return .success(MessageProgram(text) { .instead(Bytes(($0.value?.string ?? "").uppercased())) })
            }
            guard text.hasPrefix("size > "), let limit = Int(text.dropFirst(7)) else { return .failure(ConsoleFailure("jq: syntax error")) }
            return .success(MessageProgram(text) { ($0.value?.count ?? 0) > limit ? .asItIs : .hidden })
        }
        driver.press("3 down down down l")
        if let update { driver.send(.tail(update)) }
        return driver
    }

    private func update(_ session: Int, _ range: Range<Int64>, _ change: (inout TailUpdate) -> Void = { _ in }) -> TailUpdate {
        let messages = range.map { Sample.message(0, $0, key: "k\($0 % 7)", value: Bytes("value \($0)")) }
        var update = TailUpdate(session: session, messages: messages, isCaughtUp: true)
        change(&update)
        return update
    }

    /// A program looks at what is held slice by slice, the newest first; keys are taken between two slices, and what comes counts.
    @Test func aProgramNeverHoldsTheKeysUp() {
        let driver = tailing(update(1, 0..<1000))
        driver.press("|").type("size > 8").press("enter")
        let first = driver.console.view.tail?.shown.count ?? 0
        #expect(first == TailState.sliceMessages && driver.console.nextDeadline == driver.now.instant)
        driver.expect("jq: 800 still to look at").expect("value 999")
        driver.press("g").send(.tail(update(1, 1000..<1010)))
        var slices = 0
        while driver.console.view.tail?.isJudging == true, slices < 100 {
            driver.send(.tick)
            slices += 1
        }
        // "value 0" to "value 99" are too short.
        #expect(slices == 4 && driver.console.view.tail?.shown.count == 910 && driver.console.nextDeadline != driver.now.instant)
        driver.expectNot("still to look at").press("esc")
        #expect(driver.console.view.tail?.shown.count == 1010)
    }

    @Test func markedTopicsAreTailedTogether() {
        let driver = Driver(width: 100).press("3 down space space l").expectPlace(.tail("clicks inventory.changes"))
        driver.expectRequest(.startTail(TailQuery(session: 1, topics: ["clicks", "inventory.changes"], start: .last(100))))
        var other = Sample.message(0, 5, key: "b", value: Bytes("of another topic"))
        other.partition = TopicPartition("inventory.changes", 2)
        driver.send(.tail(TailUpdate(session: 1, messages: [Sample.message(0, 9, key: "a", value: Bytes("x")), other])))
        driver.expect("Tail(clicks inventory.changes)").expect("inventory.changes-2:5").expect("orders-0:9")
    }

    @Test func commandsNameTopicsPatternsAndStarts() {
        let driver = Driver(width: 100).press(":").type("tail orders clicks @-1h:-5m").press("enter").expectPlace(.tail("orders clicks"))
        guard case .startTail(let query)? = driver.takeRequests().last(where: { if case .startTail = $0 { true } else { false } }) else {
            return #expect(Bool(false))
        }
        #expect(query.topics == ["orders", "clicks"] && query.start == .ago(milliseconds: 3_600_000))
        #expect(query.stop == .timestamp(Timestamp(milliseconds: noon.milliseconds - 300_000)))
        driver.expect("from 1h ago to 2026-11-21 10:25:00")
        driver.press(":").type("tail /^(orders|clicks)$/").press("enter")
        let started = driver.takeRequests().compactMap { request -> TailQuery? in
            if case .startTail(let query) = request { query } else { nil }
        }
        #expect(started.map(\.topics) == [["clicks", "orders"]] && started.first?.start == .last(100))
        driver.press(":").type("tail orders nonsense:").press("enter").expect("Not a start")
    }

    @Test func seeksAreRangesToo() {
        let driver = tailing().press("o").type("+5:-2").press("enter")
        driver.expectRequest(.startTail(TailQuery(session: 2, topic: "orders", start: .afterStart(5), stop: .beforeEnd(2))))
        driver.send(.tail(update(2, 5..<9) { $0.isFinished = true })).press("g").expect("all read").press("0")
        driver.expectRequest(.startTail(TailQuery(session: 3, topic: "orders", start: .end)))
    }

    @Test func searchingBothWaysWithoutHiding() {
        let driver = tailing(update(1, 0..<40)).press("/").type("k:k3").press("enter").expect("[6/40]").press("&").expect("others too")
        driver.expectRequest(.filterTail(session: 1, .none)).press("g n")
        #expect(driver.console.view.tail?.selectedMessage?.offset == 3)
        driver.press("n n N")
        #expect(driver.console.view.tail?.selectedMessage?.offset == 10)
        driver.press("N N").expect("No match above.").press("&").expectNot("others too")
        tailing().press("n").expect("Nothing to search for")
    }

    @Test func theReaderHearsOfTheFilterOnEnterAndTheProgramRunsThen() {
        let driver = tailing(update(1, 0..<40)).press("/").type("| size > 7").expect("[40]")
        #expect(!driver.takeRequests().contains { if case .filterTail = $0 { true } else { false } })
        driver.press("enter").expect("[30/40]")
        let told = driver.takeRequests().compactMap { request -> TailFilter? in
            if case .filterTail(1, let filter) = request { filter } else { nil }
        }
        #expect(told.last?.program?.text == "size > 7")
        driver.press("|").press("ctrl-u").type("k:k3 | upper").press("enter").expect("VALUE 3").expect("[6/40]")
        driver.press("/").press("ctrl-u").type("| nonsense (").press("enter").expect("jq: syntax error")
    }

    @Test func whatTheReaderLeftOutIsReadAgainWithoutTheFilter() {
        let driver = tailing(update(1, 0..<5)).press("1").press("/").type("k:k3").press("enter")
        driver.send(.tail(update(2, 3..<4) { $0.filtered = 500 })).expect("[1/501]")
        driver.press("esc").expectRequest(.startTail(TailQuery(session: 3, topic: "orders", start: .beginning)))
    }

    @Test func aScanSaysHowFarItIs() {
        let driver = tailing(nil).press("1")
        driver.send(
            .tail(
                update(2, 0..<5) {
                    $0.isCaughtUp = false
                    $0.progress = TailProgress(read: 250, total: 1000)
                    $0.unstable = 12
                }))
        driver.expect("read 250 of 1,000 (25%), p stops").expect("open transactions hold back 12").press("p").expect("paused")
    }

    @Test func newestPerKey() {
        let driver = tailing(update(1, 0..<40)).press("u").expect("newest per key")
        #expect(driver.console.view.tail?.shown.count == 7)
        driver.send(.tail(update(1, 40..<41)))
        #expect(driver.console.view.tail?.shown.count == 7)
        driver.expect("0:40").expectNot("0:33 ").press("u").expect("0:33 ")
    }

    @Test func transactionsSayWhatBecameOfThem() {
        func message(_ offset: Int64, _ producer: Int64, _ marker: TailMessage.Marker? = nil) -> TailMessage {
            var message = Sample.message(0, offset, key: nil, value: Bytes("payload-\(offset)"))
            (message.producerID, message.isTransactional, message.marker) = (producer, true, marker)
            return message
        }
        let driver = tailing(TailUpdate(session: 1, messages: [message(1, 7), message(2, 8), message(3, 7, .abort), message(4, 9)]))
        driver.expect("(aborted) payload-1").expect("(in an open transaction) payload-2").expect("[4]")
        driver.send(.tail(TailUpdate(session: 1, messages: [message(5, 8, .commit)]))).expectNot("transaction) payload-2")
        driver.expectNot("was aborted").press("i").expect("the transaction of producer 7 was aborted")
    }

    @Test func decodedRecordsAreShownAndFiltered() {
        var message = Sample.message(0, 1, key: nil, value: Bytes([0, 3, 255]))
        (message.decodedValue, message.decoding) = (Bytes("{\"group\":\"billing\"}"), "a record of __consumer_offsets")
        let driver = tailing(TailUpdate(session: 1, messages: [message])).expect("billing").press("/").type("billing").press("enter")
            .expect(
                "[1/1]")
        driver.press("x").expect("00 03 ff").press("enter").expect("a record of __consumer_offsets").expect("\"group\": \"billing\"")
    }

    @Test func theFilesNameSaysTheFormat() {
        let messages = [Sample.message(0, 1, key: "a,\"b\"", value: Bytes("x")), Sample.message(0, 2, key: nil, value: Bytes([0xFF]))]
        let csv = TailExport.Format(fileName: "out.csv").bytes(messages).string ?? ""
        #expect(csv.hasPrefix("topic,partition,offset,timestamp,key,value,headers\r\norders,0,1,"))
        #expect(csv.contains("\"a,\"\"b\"\"\",x,") && csv.contains(",,0xff,"))
        #expect(TailExport.Format(fileName: "out.raw").bytes(messages) == Bytes([0x78, 0x0A, 0xFF, 0x0A]))
        #expect(TailExport.Format(fileName: "out.jsonl") == .jsonLines)
    }

    /// Forty times the bound: what is held stays within it, by count and by bytes, whatever is shown.
    @Test func memoryIsBoundedAtAnyRate() {
        let driver = tailing(nil).press("u & i")
        var rounds: Int64 = 0
        while rounds < 400 {
            driver.send(.tail(update(1, rounds * 1000..<(rounds + 1) * 1000)))
            rounds += 1
        }
        let tail = driver.console.view.tail
        #expect((tail?.held.count ?? .max) <= TailState.messagesMax && tail?.received == 400_000)
        #expect((tail?.shown.count ?? .max) <= 7)
        // Each key looks at all that is held once; more than once would take minutes here.
        driver.press("u /").type("v:\"value 39999\"").press("enter").expect("value 399999")
    }
}

@Suite struct TailFilters {
    private func message(_ offset: Int64, _ value: Bytes?, key: String? = "k") -> TailMessage {
        Sample.message(2, offset, key: key, value: value)
    }

    @Test(arguments: [
        ("o:5", [5]), ("o:3..5", [3, 4, 5]), ("o:>7", [8, 9]), ("o:>=8", [8, 9]), ("o:<2", [0, 1]), ("o:<=1", [0, 1]), ("!o:>0", [0]),
        ("p:2 o:1", [1]), ("p:1", []), ("t:^ord o:4", [4]), ("!t:ord", []), ("is:tombstone", [9]), ("is:keyless", [8]), ("is:binary", [7]),
        ("ts:>=1h o:>8", []), ("v:v3|v4", [3, 4]), ("ts:<2026-01-01", []),
    ])
    func terms(text: String, offsets: [Int64]) {
        let filter = TailFilter(text, now: noon)
        #expect(filter.problem == nil)
        let all = (0..<10).map { (index: Int64) in
            message(index, index == 9 ? nil : index == 7 ? Bytes([0, 1, 2]) : Bytes("v\(index)"), key: index == 8 ? nil : "k")
        }
        #expect(all.filter(filter.accepts).map(\.offset.rawValue) == offsets)
    }

    @Test func agesCountBackFromNow() {
        var old = message(0, nil)
        old.timestamp = Timestamp(milliseconds: noon.milliseconds - 7_200_000)
        #expect(TailFilter("ts:>1h", now: noon).accepts(old) && !TailFilter("ts:<1h", now: noon).accepts(old))
    }

    @Test(arguments: ["o:x", "p:>", "ts:>yesterday", "is:nothing"]) func badNumbersSaySo(text: String) {
        #expect(TailFilter(text, now: noon).problem != nil)
    }

    @Test(arguments: [
        ("| .a", "", ".a"), ("k:x | .a | .b", "k:x ", ".a | .b"), ("a|b", "a|b", nil), ("\"a | b\" |.c", "\"a | b\" ", ".c"), ("", "", nil),
    ])
    func halves(text: String, words: String, program: String?) {
        let halves = TailFilter.halves(text)
        #expect(halves.words == words && halves.program == program)
    }
}

@Suite struct TailTexts {
    @Test(
        arguments: [
            ("start", TailRange(start: .beginning)), (":end", TailRange(stop: .end)), ("+10", TailRange(start: .afterStart(10))),
            ("-10", TailRange(start: .last(10))), ("47", TailRange(start: .offset(47))), ("47:", TailRange(start: .offset(47))),
            (":5", TailRange(stop: .offset(5))), ("5:10", TailRange(start: .offset(5), stop: .offset(10))),
            ("-10:-5", TailRange(start: .last(10), stop: .beforeEnd(5))), ("start:+3", TailRange(start: .beginning, stop: .afterStart(3))),
            ("@1769853600000", TailRange(start: .timestamp(1_769_853_600_000))),
            ("@1769853600", TailRange(start: .timestamp(1_769_853_600_000))),
            ("@-1h", TailRange(start: .ago(milliseconds: 3_600_000))), ("@1h", TailRange(start: .ago(milliseconds: 3_600_000))),
            ("@-1h:end", TailRange(start: .ago(milliseconds: 3_600_000), stop: .end)),
            (
                "@-1h:-5m",
                TailRange(start: .ago(milliseconds: 3_600_000), stop: .timestamp(Timestamp(milliseconds: noon.milliseconds - 300_000)))
            ),
            (
                "@-1h:1m",
                TailRange(start: .ago(milliseconds: 3_600_000), stop: .timestamp(Timestamp(milliseconds: noon.milliseconds - 3_540_000)))
            ),
            ("@2026-01-31T10:00:2026-01-31T11:00", TailRange(start: .timestamp(1_769_853_600_000), stop: .timestamp(1_769_857_200_000))),
            ("@2026-01-31T10:00:00Z:30m", TailRange(start: .timestamp(1_769_853_600_000), stop: .timestamp(1_769_855_400_000))),
            ("@:2026-01-31", TailRange(stop: .timestamp(1_769_817_600_000))), ("2h", TailRange(start: .ago(milliseconds: 7_200_000))),
        ] as [(String, TailRange)])
    func ranges(text: String, range: TailRange) { #expect(TailRange(text, now: noon) == range) }

    @Test(arguments: [":", "@", "@:", "x:5", "5:x", "5:6:7", "@-:", "@1h:nonsense", "--5", "+-5", "++5", "", " "])
    func noRanges(text: String) { #expect(TailRange(text, now: noon) == nil) }

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

    /// Without colours too: nothing, an empty text, and texts that read like them are four things.
    @Test func whatIsNotThereLooksLikeNothingThatIs() {
        func spans(_ bytes: Bytes?) -> String { Payload.line(bytes, hex: false).map(\.text).joined() }
        #expect(spans(nil) == "<null>" && spans(Bytes("<null>")) == "\"<null>\"" && spans(Bytes("null")) == "null")
        #expect(spans(Bytes("")) == "(empty)" && spans(Bytes("(empty)")) == "\"(empty)\"")
        let driver = Driver(width: 80, height: 24).press("3 down down down l")
        let session = driver.console.view.tail?.query.session ?? 0
        let keys = [nil, "null", "<null>", "-"]
        let messages = keys.enumerated().map { Sample.message(0, Int64($0.offset), key: $0.element, value: Bytes("v")) }
        driver.send(.tail(TailUpdate(session: session, messages: messages, isCaughtUp: true)))
        driver.expect("0:0    <null>    v").expect("0:1    null      v").expect("0:2    \"<null>\"  v").expect("0:3    -         v")
    }
}
