import Console
import Primitives
import Testing

@testable import Commands

@Suite struct TextTests {
    private var listing: Listing {
        var listing = Listing([.init("GROUP", "group"), .init("LAG", "lag", right: true), .init("PARTITIONS", "partitions")])
        listing.add([.string("a, \"b\""), .number(12), .array([.number(0), .number(1)])])
        listing.add([.string("x\u{1b}[2J"), .null, .array([])])
        return listing
    }

    @Test func oneListingInEveryFormat() {
        #expect(listing.text(.table) == "GROUP   LAG  PARTITIONS\na, \"b\"   12  0,1\nx\\e[2J    -\n")
        #expect(
            listing.text(.json)
                == "[{\"group\":\"a, \\\"b\\\"\",\"lag\":12,\"partitions\":[0,1]},"
                + "{\"group\":\"x\\u001b[2J\",\"lag\":null,\"partitions\":[]}]\n")
        #expect(
            listing.text(.jsonl)
                == "{\"group\":\"a, \\\"b\\\"\",\"lag\":12,\"partitions\":[0,1]}\n"
                + "{\"group\":\"x\\u001b[2J\",\"lag\":null,\"partitions\":[]}\n")
        #expect(listing.text(.csv) == "group,lag,partitions\n\"a, \"\"b\"\"\",12,0 1\nx\u{1b}[2J,,\n")
    }

    @Test func jsonEscapes() {
        #expect(JSON.string("\u{0}\n\"\\é\u{9b}\u{2028}").text == "\"\\u0000\\n\\\"\\\\é\\u009b\\u2028\"")
        #expect(JSON.decimal(.nan).text == "null")
        #expect(JSON.object([.init("a", .bool(true)), .init("b", .decimal(1.5))]).text == "{\"a\":true,\"b\":1.5}")
    }

    @Test func timesAndDurations() {
        let now = CivilTime.timestamp(2026, 11, 21, 10, 30, 0, 0)
        #expect(parseTime("1700000000000", now: now) == Timestamp(milliseconds: 1_700_000_000_000))
        #expect(parseTime("2026-11-21", now: now) == CivilTime.timestamp(2026, 11, 21, 0, 0, 0, 0))
        #expect(parseTime("2026-11-21T10:30", now: now) == now)
        #expect(parseTime("2026-11-21 10:30:00.5Z", now: now)?.milliseconds == now.milliseconds + 500)
        #expect(parseTime("15m", now: now)?.milliseconds == now.milliseconds - 900_000)
        #expect(parseTime("PT1H30M", now: now)?.milliseconds == now.milliseconds - 5_400_000)
        for bad in ["", "x", "-5", "2026-02-30", "2026-13-01", "10:30", "5q", "9999999999999d", "2026-11-21T25:00"] {
            #expect(parseTime(bad, now: now) == nil, "\(bad)")
        }
    }

    @Test func offsets() throws {
        let now = Timestamp(milliseconds: 100_000)
        func start(_ text: String) throws -> TailStart? { try TailCommand.range([text], now: now).start }
        #expect(try start("beginning") == .beginning)
        #expect(try start("latest") == .end)
        #expect(try start("42") == .offset(42))
        #expect(try start("-42") == .last(42))
        #expect(try start("@90s") == .ago(milliseconds: 90_000))
        #expect(try TailCommand.range(["s@5", "e@7"], now: now) == TailRange(start: .timestamp(5), stop: .timestamp(7)))
        #expect(try TailCommand.range(["@1m:end"], now: now) == TailRange(start: .ago(milliseconds: 60_000), stop: .end))
        #expect(try TailCommand.range(["-10", "e@30s"], now: now) == TailRange(start: .last(10), stop: .timestamp(70_000)))
        for bad in ["", "middle", "@", "e@x", "1x", "e@1:2"] {
            #expect(throws: Failure.self) { try TailCommand.range([bad], now: now) }
        }
    }

    @Test func recordFormats() throws {
        var record = PrintableRecord(topic: "t", partition: 3, offset: 7, timestamp: 99, key: nil, value: Bytes([0x61, 0xff, 0x1b]))
        record.headers = [(Bytes("h"), Bytes("1")), (Bytes("h"), nil)]
        func text(_ format: String, terminal: Bool = false) throws -> [UInt8] {
            var out: [UInt8] = []
            try RecordFormat(format).write(record, forTerminal: terminal, to: &out)
            return out
        }
        #expect(try text("%t/%p/%o %T %K %S %h%%\\x41\\n") == Array("t/3/7 99 -1 3 h=1,h=NULL%A\n".utf8))
        #expect(try text("%k|%s") == Array("|a".utf8) + [0xff, 0x1b])
        #expect(try text("%s", terminal: true) == Array("a\\xff\\x1b".utf8))
        // Who looks sees that there is no key; who reads bytes gets none.
        #expect(try text("%k|%t", terminal: true) == Array("<null>|t".utf8) && text("%k|%t") == Array("|t".utf8))
        #expect(
            try String(decoding: text("json"), as: UTF8.self)
                == "{\"topic\":\"t\",\"partition\":3,\"offset\":7,\"tstype\":\"create\",\"ts\":99,\"headers\":[[\"h\",\"1\"],[\"h\",null]],"
                + "\"key\":null,\"payloadHex\":\"61ff1b\"}\n")
        #expect(throws: Failure.self) { try RecordFormat("%z") }
        #expect(throws: Failure.self) { try RecordFormat("50%") }
    }

    @Test func nothingThatATerminalObeys() {
        #expect(visible("a\u{1b}]0;x\u{7}\u{202e}b\u{9b}c") == "a\\e]0;x\\x07\\u{202e}b\\x9bc")
        #expect(visible("two\nlines") == "two\\nlines")
        #expect(visible("two\nlines", keepingLines: true) == "two\nlines")
        #expect(visible("ordinary ünïcode 漢字") == "ordinary ünïcode 漢字")
    }
}

@Suite struct LineTests {
    @Test func linesArriveInAnyPieces() {
        let text = Array("one\ntwo\n\nthree".utf8)
        for size in 1...text.count {
            var splitter = LineSplitter(delimiter: [0x0a])
            var lines: [String] = []
            for start in stride(from: 0, to: text.count, by: size) {
                lines += splitter.feed(text[start..<min(start + size, text.count)]).map { String(decoding: $0, as: UTF8.self) }
            }
            #expect(lines == ["one", "two", ""])
            #expect(splitter.end().map { String(decoding: $0, as: UTF8.self) } == "three")
            #expect(splitter.end() == nil)
        }
    }

    @Test func longDelimitersAndKeys() {
        var splitter = LineSplitter(delimiter: unescaped("--\\x2d\\n"))
        #expect(splitter.feed(Array("a----\nb---\n".utf8)).map { Array($0) } == [Array("a-".utf8), Array("b".utf8)])
        let (key, value) = splitKey(Array("k::v::w".utf8)[...], separator: Array("::".utf8))
        #expect(key.map { Array($0) } == Array("k".utf8))
        #expect(Array(value) == Array("v::w".utf8))
        #expect(splitKey(Array("kv".utf8)[...], separator: Array("::".utf8)).key == nil)
        #expect(splitKey([][...], separator: [1]).key == nil)
    }
}
