import CLinux
import Glibc
import Grid
import Testing

@testable import Terminal

/// ncurses on pipes instead of a terminal: what is sent, what is read. One at a time, since ncurses is one global state.
@Suite(.serialized) struct TerminalShell {
    /// A terminal whose keyboard and screen are pipes; LINES and COLUMNS give its size.
    final class Rig {
        let terminal: Terminal
        private let keyboard: Int32
        private let screen: Int32

        init(_ term: String = "xterm-256color", width: Int = 40, height: Int = 6, noColour: Bool = false, ascii: Bool = false) throws {
            setenv("COLUMNS", String(width), 1)
            setenv("LINES", String(height), 1)
            setenv("LC_ALL", "C.UTF-8", 1)
            var keys: [Int32] = [0, 0]
            var glass: [Int32] = [0, 0]
            try #require(pipe(&keys) == 0 && pipe(&glass) == 0)
            keyboard = keys[1]
            screen = glass[0]
            _ = fcntl(screen, F_SETFL, O_NONBLOCK)
            var options = TerminalOptions(term: term)
            options.noColour = noColour
            options.ascii = ascii
            defer {
                close(keys[0])
                close(glass[1])
            }
            do {
                terminal = try Terminal(input: dup(keys[0]), output: dup(glass[1]), options: options, theme: try ThemeStore().load("dark"))
            } catch {
                close(keyboard)
                close(screen)
                throw error
            }
        }

        deinit {
            terminal.close()
            close(keyboard)
            close(screen)
        }

        /// What has been sent since last asked.
        func sent() -> String {
            var out: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = read(screen, &chunk, chunk.count)
                if count <= 0 { break }
                out += chunk.prefix(count)
            }
            return String(decoding: out, as: UTF8.self)
        }

        func type(_ text: String) -> [InputEvent] { type(bytes: Array(text.utf8)) }

        func type(bytes: [UInt8]) -> [InputEvent] {
            _ = write(keyboard, bytes, bytes.count)
            return terminal.read()
        }

        func grid(_ lines: [String]) -> Grid {
            var grid = Grid(width: terminal.size.width, height: terminal.size.height, glyphs: terminal.glyphs)
            for (y, line) in lines.enumerated() { grid.put(0, y, line, .text) }
            return grid
        }
    }

    @Test func nothingIsSentWhenNothingChanged() throws {
        let rig = try Rig()
        let first = rig.grid(["hello", "", "world"])
        rig.terminal.show(first)
        let painted = rig.sent()
        #expect(painted.contains("hello") && painted.contains("world"))
        rig.terminal.show(first)
        rig.terminal.show(rig.grid(["hello", "", "world"]))
        #expect(rig.sent() == "")
    }

    @Test func whatIsSentIsCountedToTheByte() throws {
        let rig = try Rig()
        _ = (rig.sent(), rig.terminal.takeSent())
        rig.terminal.show(rig.grid(["hello", "", "world"]))
        rig.terminal.bell()
        let sent = rig.sent()
        #expect(sent.contains("hello") && sent.hasSuffix("\u{7}"))
        #expect(rig.terminal.takeSent() == sent.utf8.count && rig.terminal.takeSent() == 0)
    }

    @Test func framesArriveAsOneWhereTheTerminalSaysItCan() throws {
        for (state, isAble) in [("0", false), ("1", true), ("2", true), ("4", false)] {
            let rig = try Rig(width: 80, height: 24)
            #expect(rig.sent().contains("\u{1B}[?2026$p"), "it is asked")
            #expect(rig.type("\u{1B}[?2026;\(state)$y") == [], "the answer is no key")
            _ = rig.sent()
            rig.terminal.show(rig.grid((0..<20).map { "line number \($0) of many that make a whole frame" }))
            let frame = rig.sent()
            #expect(frame.hasPrefix("\u{1B}[?2026h") == isAble && frame.hasSuffix("\u{1B}[?2026l") == isAble, "\(state)")
            rig.terminal.show(rig.grid((0..<20).map { $0 == 3 ? "x" : "line number \($0) of many that make a whole frame" }))
            #expect(!rig.sent().contains("2026"), "a few bytes need no marks")
        }
        #expect(try !Rig("linux").sent().contains("2026"))
    }

    @Test func notificationsAreOSC9AndNothingElse() throws {
        let rig = try Rig()
        _ = rig.sent()
        rig.terminal.notify("night watch: 3 partitions")
        #expect(rig.sent() == "\u{1B}]9;night watch: 3 partitions\u{7}")
        rig.terminal.notify("a\u{7}b\u{1B}]0;x\u{9C}\u{9B}c\n")
        #expect(rig.sent() == "\u{1B}]9;ab]0;xc\u{7}")
        let plain = try Rig("vt100")
        _ = plain.sent()
        plain.terminal.notify("x")
        #expect(plain.sent() == "")
    }

    @Test func aSmallChangeIsAFewBytes() throws {
        let rig = try Rig()
        rig.terminal.show(rig.grid(["hello", "count 1", "world"]))
        _ = rig.sent()
        rig.terminal.show(rig.grid(["hello", "count 2", "world"]))
        let sent = rig.sent()
        #expect(sent.contains("2") && !sent.contains("hello") && sent.utf8.count < 40, "\(sent.debugDescription)")
    }

    @Test func wideCombiningAndForeignTextKeepTheirColumns() throws {
        let rig = try Rig()
        rig.terminal.show(rig.grid(["日本語 e\u{301} ü |", "👍👍 |", "\u{1B}[2J|"]))
        let sent = rig.sent()
        #expect(sent.contains("日本語 e\u{301} ü |") && sent.contains("👍👍 |") && sent.contains("\u{FFFD}[2J|"))
    }

    @Test func widthsAreThoseOfTheSystemForEverythingDrawn() {
        setlocale(LC_CTYPE, "C.UTF-8")
        var differing = 0
        for value in UInt32(0x20)...0x1FAFF {
            guard let scalar = Unicode.Scalar(value), Escape.isSafe(scalar), scalar.properties.generalCategory != .unassigned else {
                continue
            }
            let theirs = systemWidth(scalar)
            if theirs >= 0 && TextWidth.of(scalar) != Int(theirs) { differing += 1 }
        }
        // Those that differ are drawn as question marks of our width, so they cost a glyph and never a column.
        #expect(differing < 400, "\(differing)")
    }

    @Test(arguments: ["xterm-256color", "xterm", "tmux-256color", "screen", "linux", "vt100", "vt220", "ansi", "xterm-mono"])
    func worksOnManyTypes(term: String) throws {
        let rig: Rig
        do { rig = try Rig(term) } catch TerminalError.unknownType { return }
        rig.terminal.show(rig.grid(["kastellan"]))
        #expect(rig.sent().contains("kastellan"), "\(term)")
        if term == "vt100" || term == "xterm-mono" { #expect(rig.terminal.depth == .none) }
        if term == "xterm" || term == "linux" { #expect(rig.terminal.depth == .eight) }
    }

    @Test func whatCannotShowItIsRefusedWithAReason() {
        #expect(throws: TerminalError.cannotPosition("dumb")) { _ = try Rig("dumb") }
        #expect(throws: TerminalError.unknownType("no-such-terminal")) { _ = try Rig("no-such-terminal") }
        #expect(TerminalError.cannotPosition("dumb").message.contains("dumb"))
    }

    @Test func noColourMeansNoColour() throws {
        let rig = try Rig(noColour: true)
        #expect(rig.terminal.depth == .none)
        var grid = rig.grid(["plain"])
        grid.put(0, 1, "selected", .rowSelected)
        grid.put(0, 2, "bad", .failure)
        rig.terminal.show(grid)
        let sent = rig.sent()
        #expect(!sent.contains("[38;5") && !sent.contains("[48;5") && !sent.contains("[31m"), "\(sent.debugDescription)")
        #expect(sent.contains("[0;7m"))
    }

    @Test func coloursAreSentWhereThereAreSome() throws {
        let rig = try Rig()
        #expect(rig.terminal.depth == .many)
        var grid = rig.grid([])
        grid.put(0, 1, "bad", .failure)
        rig.terminal.show(grid)
        #expect(rig.sent().contains("38;5;"))
    }

    @Test func asciiWhereAskedFor() throws { #expect(try Rig(ascii: true).terminal.glyphs == .ascii) }

    @Test(arguments: [
        ("a", [Key("a")]), ("G", [Key("G")]), ("é", [Key("é")]), ("日", [Key("日")]), ("\r", [Key(.enter)]), ("\n", [Key(.enter)]),
        ("\t", [Key(.tab)]), ("\u{7F}", [Key(.backspace)]), ("\u{4}", [Key(.character("d"), .control)]),
        ("\u{3}", [Key(.character("c"), .control)]), ("\u{1A}", [Key(.character("z"), .control)]),
        ("\u{0}", [Key(.character(" "), .control)]),
        ("\u{1C}", [Key(.character("\\"), .control)]), ("\u{1B}", [Key(.escape)]), ("\u{1B}b", [Key(.character("b"), .alt)]),
        ("\u{1B}OA", [Key(.up)]), ("\u{1B}[A", [Key(.up)]), ("\u{1B}[B", [Key(.down)]), ("\u{1B}[5~", [Key(.pageUp)]),
        ("\u{1B}[1;2D", [Key(.left, .shift)]), ("\u{1B}[1;5C", [Key(.right, .control)]), ("\u{1B}[Z", [Key(.backTab)]),
        ("\u{1B}OP", [Key(.function(1))]), ("\u{1B}[3~", [Key(.delete)]), ("jk", [Key("j"), Key("k")]), ("\u{1B}[H", [Key(.home)]),
    ])
    func keys(bytes: String, keys: [Key]) throws {
        let rig = try Rig()
        #expect(rig.type(bytes) == keys.map { .key($0) }, "\(bytes.debugDescription)")
    }

    @Test func pastesArriveAsOnePiece() throws {
        let rig = try Rig()
        #expect(rig.sent().contains("\u{1B}[?2004h"))
        #expect(rig.type("x\u{1B}[200~rm -rf\r:q\u{1}é\u{1B}[201~y") == [.key(Key("x")), .paste("rm -rf\n:q\u{1}é"), .key(Key("y"))])
    }

    /// The mark at its end may be cut anywhere, begun and broken off, and have keys right behind it that are sequences themselves.
    @Test(arguments: 1..<6) func theEndOfAPasteIsFoundWhereverItIsCut(cut: Int) throws {
        let rig = try Rig()
        let end = Array("\u{1B}[201~")
        #expect(rig.type("\u{1B}[200~a\u{1B}[20\u{1B}\u{1B}[B\u{1B}[201" + String(end[..<cut])) == [])
        #expect(rig.type(String(end[cut...]) + "\u{1B}[Bq\u{1B}[200~b\u{1B}[201~\u{1B}[A") == [
            .paste("a\u{1B}[20\u{1B}\u{1B}[B\u{1B}[201"), .key(Key(.down)), .key(Key("q")), .paste("b"), .key(Key(.up)),
        ])
        #expect(rig.type("\u{1B}[200~\u{1B}[201~x") == [.paste(""), .key(Key("x"))])
    }

    @Test func ofAHugePasteTheBeginningIsTaken() throws {
        let rig = try Rig()
        #expect(rig.type("\u{1B}[200~x") == [])
        // Two bytes each, from an odd place on: the limit falls into the middle of one.
        let piece = String(repeating: "é", count: 16_384)
        for _ in 0..<50 { #expect(rig.type(piece) == []) }
        let kept = "x" + String(repeating: "é", count: (1 << 19) - 1)
        #expect(rig.type("\u{1B}[201~j") == [.paste(kept), .key(Key("j"))])
    }

    @Test func whatIsNoTextInAPasteIsReplaced() throws {
        let rig = try Rig()
        let paste = Array("\u{1B}[200~".utf8) + [0xFF, 0x61, 0xC3] + Array("\u{1B}[201~".utf8)
        #expect(rig.type(bytes: paste) == [.paste("\u{FFFD}a\u{FFFD}")])
    }

    @Test func theMouse() throws {
        let rig = try Rig()
        #expect(rig.type("\u{1B}[<0;5;3M\u{1B}[<0;5;3m") == [.mouse(MouseEvent(.press, column: 4, row: 2))])
        #expect(rig.type("\u{1B}[<0;5;3M\u{1B}[<0;5;3m") == [.mouse(MouseEvent(.doublePress, column: 4, row: 2))])
        #expect(rig.type("\u{1B}[<64;1;1M\u{1B}[<65;1;1M").contains(.mouse(MouseEvent(.wheelUp, column: 0, row: 0))))
    }

    @Test func copyingEncodes() throws {
        let rig = try Rig()
        _ = rig.sent()
        #expect(rig.terminal.copy("hello\u{1B}"))
        #expect(rig.sent() == "\u{1B}]52;c;aGVsbG8b\u{7}")
        #expect(!rig.terminal.copy(String(repeating: "x", count: 100_000)))
        #expect(base64([]) == "" && base64([1]) == "AQ==" && base64([1, 2]) == "AQI=" && base64([255, 255, 255]) == "////")
    }

    @Test func leavingPutsEverythingBack() throws {
        let rig = try Rig()
        rig.terminal.show(rig.grid(["x"]))
        _ = rig.sent()
        rig.terminal.suspend()
        #expect(rig.sent().contains("\u{1B}[?1049l"))
        rig.terminal.resume()
        rig.terminal.show(rig.grid(["x"]))
        #expect(rig.sent().contains("\u{1B}[?1049h"))
        rig.terminal.close()
        let sent = rig.sent()
        #expect(
            sent.contains("\u{1B}[?1049l") && sent.contains("\u{1B}[?2004l") && sent.contains("\u{1B}[?25h")
                || sent.contains("\u{1B}[?12l\u{1B}[?25h"))
        #expect(sent.contains("\u{1B}[?1006;1000l"))
        rig.terminal.close()
    }

    @Test func manyOneAfterAnother() throws {
        for _ in 0..<50 {
            let rig = try Rig()
            rig.terminal.show(rig.grid(["again"]))
        }
    }

    @Test func themesChangeWhileItRuns() throws {
        let rig = try Rig()
        rig.terminal.show(rig.grid(["x"]))
        _ = rig.sent()
        rig.terminal.setTheme(try ThemeStore().load("light"))
        rig.terminal.show(rig.grid(["x"]))
        #expect(rig.sent().contains("48;5;"))
    }

    @Test func environment() {
        let set = ["TERM": "xterm", "NO_COLOR": "1"]
        let options = TerminalOptions { set[$0] }
        #expect(options.term == "xterm" && options.noColour)
        #expect(!TerminalOptions { ["NO_COLOR": ""][$0] }.noColour)
        #expect(TerminalOptions { _ in nil }.term == "dumb")
    }
}
