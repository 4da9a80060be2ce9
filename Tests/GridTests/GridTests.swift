import Primitives
import Testing

@testable import Grid

@Suite struct GridDrawing {
    @Test func putsClipsAndTrims() {
        var grid = Grid(width: 6, height: 2)
        #expect(grid.put(1, 0, "hello world", .text) == 12)
        grid.put(-2, 1, "abcd", .title)
        #expect(grid.text == " hello\ncd\n")
        #expect(grid.styleRuns == "0: .6\n1: title*2 .4\n")
    }

    @Test func wideScalarsTakeTwoCellsAndAreNeverHalved() {
        var grid = Grid(width: 5, height: 1)
        grid.put(0, 0, "日本語", .text)
        #expect(grid.text == "日本\n")
        #expect(grid[0, 0].width == 2 && grid[1, 0].width == 0)
        grid.put(1, 0, "x", .text)
        #expect(grid.text == " x本\n")
        grid.put(2, 0, "y", .text)
        #expect(grid.text == " xy\n")
    }

    @Test func combiningMarksJoinTheirBaseAndAreBounded() {
        var grid = Grid(width: 4, height: 1)
        grid.put(0, 0, "e\u{301}\u{302}\u{303}\u{304}\u{305}x", .text)
        #expect(grid[0, 0].marks.unicodeScalars.count == Grid.marksMax)
        #expect(grid[1, 0].base == "x")
        grid.put(0, 0, "\u{301}a", .text)
        #expect(grid[0, 0].base == "a" && grid[0, 0].marks == "")
    }

    @Test func nothingUnsafeEntersTheGrid() {
        var grid = Grid(width: 40, height: 1)
        var text = ""
        for value in UInt32(0)..<0xA0 { text.unicodeScalars.append(Unicode.Scalar(value) ?? "x") }
        for value: UInt32 in [0x202E, 0x2066, 0x200B, 0xFEFF, 0xE0041, 0xE000] { text.unicodeScalars.append(Unicode.Scalar(value) ?? "x") }
        var wide = Grid(width: 400, height: 1)
        wide.put(0, 0, text, .text)
        for cell in wide.row(0) { #expect(Escape.isSafe(cell.base)) }
        grid.put(0, 0, "\u{1B}[2J\u{9B}1m", .text)
        #expect(grid.text == "\u{FFFD}[2J\u{FFFD}1m\n")
    }

    @Test func asciiGlyphsMeanAsciiOnly() {
        var grid = Grid(width: 12, height: 3, glyphs: .ascii)
        grid.box(grid.bounds, Style(.border))
        grid.put(1, 1, "é日e\u{301}", .text)
        #expect(grid.text == "+----------+\n|???e      |\n+----------+\n")
    }

    @Test func boxesOfAnySizeDoNotTrap() {
        for width in 0..<6 {
            for height in 0..<6 {
                var grid = Grid(width: width, height: height)
                grid.box(grid.bounds, Style(.border))
                grid.box(Rect(-3, -3, 20, 20), Style(.border))
                grid.fill(Rect(-1, -1, 3, 3), Style(.text), "x")
                grid.put(0, height, "outside", .text)
                #expect(grid.rows.count == height)
            }
        }
    }

    @Test func rectanglesCutAndCenter() {
        let rect = Rect(0, 0, 10, 4)
        #expect(rect.cutTop(1).rest == Rect(0, 1, 10, 3))
        #expect(rect.cutBottom(9).rest == Rect(0, 0, 10, 0))
        #expect(rect.centered(width: 4, height: 2) == Rect(3, 1, 4, 2))
        #expect(rect.centered(width: 40, height: 20) == rect)
        #expect(Rect(0, 0, -3, 2).isEmpty)
        #expect(rect.inset(6, 1).isEmpty)
    }
}

@Suite struct TextFitting {
    @Test(arguments: [
        ("abc", 3), ("日本", 4), ("e\u{301}", 1), ("👍", 2), ("👩\u{200D}🚀", 4), ("❤\u{FE0F}", 1), ("ｆｕｌｌ", 8), ("─│┌", 3), ("한글", 4),
        ("ไทยนี้", 4), ("🇩🇪", 2), ("", 0), ("\u{AD}", 0), ("…", 1), ("ﬁ", 1), ("🫠", 2),
    ])
    func widths(text: String, width: Int) { #expect(TextWidth.of(text) == width, "\(text)") }

    @Test func rangesAreSortedSoThatBinarySearchHolds() {
        for value in UInt32(0x20)..<0x3000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            #expect((0...2).contains(TextWidth.of(scalar)))
        }
        #expect(TextWidth.of(Unicode.Scalar(0x1F1E6 as UInt32) ?? " ") == 1)
    }

    @Test func clipping() {
        #expect(Clip.end("partition", 5) == "part…")
        #expect(Clip.end("日本語", 4) == "日…")
        #expect(Clip.end("abc", 0) == "")
        #expect(Clip.middle("consumer-1234-5678", 9) == "cons…5678")
        #expect(Clip.pad("42", 5, right: true) == "   42")
        #expect(Clip.pad("日本", 5) == "日本 ")
        #expect(Clip.end("partition", 5, .ascii) == "part~")
    }

    @Test func wrapping() {
        #expect(Clip.wrap("the quick brown fox", 9) == ["the quick", "brown fox"])
        #expect(Clip.wrap("abcdefghij k", 4) == ["abcd", "efgh", "ij k"])
        #expect(Clip.fold("abcdef", 4) == ["abcd", "ef"])
        #expect(Clip.fold("日本語", 1) == ["日", "本", "語"])
        #expect(Clip.wrap("x", 0) == [])
    }
}

@Suite struct Escaping {
    @Test func controlsAreSpelledOut() {
        #expect(Escape.line("a\u{1B}[31mred\u{7}\n\t\r\u{7F}") == "a^[[31mred^G\\n\\t\\r^?")
        #expect(Escape.line("\u{85}\u{9B}\u{202E}\u{FEFF}") == "<U+0085><U+009B><U+202E><U+FEFF>")
        #expect(Escape.line("plain ünïcode 日本") == "plain ünïcode 日本")
    }

    @Test func everyControlIsVisibleAndNothingIsLost() {
        for value in UInt32(0)...0x3000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let out = Escape.line(String(Character(scalar)))
            #expect(!out.isEmpty)
            #expect(out.unicodeScalars.allSatisfy { Escape.isSafe($0) }, "U+\(String(value, radix: 16))")
        }
    }

    @Test func bytesThatAreNotText() {
        #expect(Escape.line(.init([0x61, 0xFF, 0xC3, 0x28, 0xE2, 0x82, 0xAC, 0x1B])) == "a\\xFF\\xC3(€^[")
        #expect(Escape.line(.init([0xED, 0xA0, 0x80])) == "\\xED\\xA0\\x80")
    }

    @Test func linesBreakAtNewlinesAndExpandTabs() {
        #expect(Escape.lines("{\r\n\t\"a\": 1\n}") == ["{", "    \"a\": 1", "}"])
        #expect(Escape.lines("ab\tc") == ["ab  c"])
    }
}

@Suite struct Tables {
    let columns = [
        Column("NAME", min: 8, grows: true), Column("PARTITIONS", right: true), Column("SIZE", right: true, priority: 2),
        Column("CLEANUP", priority: 3),
    ]

    @Test func narrowScreensDropTheLeastImportantFirst() {
        let natural = [20, 3, 9, 7]
        #expect(TableLayout.fit(columns, natural: natural, width: 80).slots.map(\.column) == [0, 1, 2, 3])
        #expect(TableLayout.fit(columns, natural: natural, width: 34).slots.map(\.column) == [0, 1, 2])
        #expect(TableLayout.fit(columns, natural: natural, width: 24).slots.map(\.column) == [0, 1])
    }

    @Test func neverOverflowsAtAnyWidth() {
        for width in 0...200 {
            let layout = TableLayout.fit(columns, natural: [60, 3, 9, 7], width: width)
            for (a, b) in zip(layout.slots, layout.slots.dropFirst()) { #expect(a.x + a.width < b.x) }
            if let last = layout.slots.last { #expect(last.x + last.width <= width) }
        }
    }
}

@Suite struct Numbers {
    @Test func counts() {
        #expect(Format.count(Int64(0)) == "0")
        #expect(Format.count(Int64(1_234_567)) == "1,234,567")
        #expect(Format.count(Int64(-1000)) == "-1,000")
        #expect(Format.count(Int64.min) == "-9,223,372,036,854,775,808")
    }

    @Test func shortForms() {
        #expect(Format.short(999) == "999")
        #expect(Format.short(999.9) == "1k")
        #expect(Format.short(12_345) == "12.3k")
        #expect(Format.short(0.25) == "0.3")
        #expect(Format.bytes(1023) == "1023 B")
        #expect(Format.bytes(1536) == "1.5 KiB")
        #expect(Format.bytes(.max) == "8192 PiB")
        #expect(Format.rate(nil) == "-")
        #expect(Format.rate(.infinity) == "-")
        #expect(Format.rate(0.01) == "<0.1/s")
        #expect(Format.percent(0.123) == "12.3%")
    }

    @Test func durations() {
        #expect(Format.duration(milliseconds: 12) == "12ms")
        #expect(Format.duration(milliseconds: 200_000) == "3m20s")
        #expect(Format.duration(milliseconds: 3_900_000) == "1h05m")
        #expect(Format.duration(milliseconds: 90_000_000) == "1d1h")
        #expect(Format.age(.none, now: 10) == "-")
    }

    @Test func sparklinesScaleFromZero() {
        #expect(Charts.sparkline([0, 1, 2, 4], width: 6) == "  ▁▂▄█")
        #expect(Charts.sparkline([.nan, 5], width: 2) == "▁█")
        #expect(Charts.sparkline([1], width: 0) == "")
        #expect(Charts.sparkline([0, 8], width: 2, .ascii) == "_#")
        #expect(Charts.filled(0.001, width: 10) == 1)
        #expect(Charts.filled(7, width: 10) == 10)
    }
}

@Suite struct Colours {
    @Test func names() {
        #expect(Color(name: "dodgerblue") == .rgb(0x1E, 0x90, 0xFF))
        #expect(Color(name: "#fa0") == .rgb(0xFF, 0xAA, 0))
        #expect(Color(name: "#282A36") == .rgb(0x28, 0x2A, 0x36))
        #expect(Color(name: "default") == .terminal)
        #expect(Color(name: "aqua") == .indexed(14))
        #expect(Color(name: "notacolour") == nil)
        #expect(Color(name: "#12345") == nil)
        #expect(Color(name: "#+12345") == nil)
    }

    @Test func nearest() {
        #expect(Color.rgb(255, 0, 0).xterm256 == 196)
        #expect(Color.rgb(128, 128, 128).xterm256 == 244)
        #expect(Color.rgb(250, 10, 10).ansi16 == 9)
        #expect(Color.terminal.ansi16 == nil)
    }

    @Test func contrast() {
        let most = Color.contrast(.rgb(0, 0, 0), .rgb(255, 255, 255)) ?? 0
        #expect(most > 20.9 && most < 21.1)
    }

    @Test func everyScopeLooksLikeSomethingFromAnEmptySkin() {
        let theme = Theme(name: "empty", skin: .map([]))
        #expect(theme.problems == [])
        for scope in Scope.allCases { _ = theme[scope] }
        #expect(Theme.monochrome[.rowSelected].modifiers == .reverse)
    }

    @Test func unknownColoursAreNamed() {
        let skin: SkinTree = .map([("k9s", .map([("body", .map([("fgColor", .text("blurple"))]))]))])
        #expect(Theme(name: "x", skin: skin).problems == ["body.fgColor: blurple"])
    }
}
