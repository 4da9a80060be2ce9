import CLinux
import CNcurses
import Glibc
import Grid

/// The terminal, by way of ncurses: shows grids, reads keys, and leaves everything as it was.
///
/// Owner: the thread that made it; ncurses is one global state, so there is at most one at a time. Lifecycle: `init`, `show` and `read`
/// as often as wanted, `suspend` and `resume` in pairs, `close` once. A crash restores the terminal too (`CrashGuard`).
package final class Terminal {
    private let screen: OpaquePointer
    private let output: UnsafeMutablePointer<FILE>
    private let input: UnsafeMutablePointer<FILE>
    package let inputDescriptor: Int32
    private let outputDescriptor: Int32
    private let options: TerminalOptions
    package let depth: ColourDepth
    package let glyphs: Glyphs
    /// Understands what xterm and those like it do: bracketed paste, the clipboard sequence.
    private let isXtermLike: Bool
    private let frames: FrameOutput
    private var palette: Palette
    private var shown: Grid?
    private var isClosed = false
    private var isCursorVisible = false
    private var keys: KeyReader

    /// Takes over the terminal behind two descriptors, which stay the caller's.
    package init(input inputDescriptor: Int32, output outputDescriptor: Int32, options: TerminalOptions, theme: Theme) throws(TerminalError)
    {
        self.options = options
        self.inputDescriptor = inputDescriptor
        self.outputDescriptor = outputDescriptor
        setlocale(LC_CTYPE, "")
        guard let input = fdopen(dup(inputDescriptor), "r"), let output = fdopen(dup(outputDescriptor), "w") else { throw .noTerminal }
        self.input = input
        self.output = output
        // Before ncurses changes anything: what a crash has to put back.
        CrashGuard.install(inputDescriptor, outputDescriptor)
        guard let screen = newterm(options.term, output, input) else {
            CrashGuard.remove()
            throw .unknownType(options.term)
        }
        self.screen = screen
        guard shim_string_capability("cup") != nil else {
            endwin()
            delscreen(screen)
            CrashGuard.remove()
            throw .cannotPosition(options.term)
        }
        frames = FrameOutput(curses: fileno(output), terminal: outputDescriptor)
        isXtermLike = shim_flag_capability("XT") != 0 || shim_string_capability("kmous") != nil
        let codeset = shim_codeset().map { String(cString: $0) } ?? ""
        keys = KeyReader(descriptor: fileno(input), isUTF8: codeset == "UTF-8")
        // Linux's own console draws blocks and has no braille.
        glyphs = options.ascii || codeset != "UTF-8" ? .ascii : options.term.hasPrefix("linux") ? .blocks : .unicode
        depth = Terminal.depth(options)
        palette = Palette(depth: depth)
        palette.load(theme)
        enter()
    }

    deinit { close() }

    private static func depth(_ options: TerminalOptions) -> ColourDepth {
        guard !options.noColour, has_colors() else { return .none }
        start_color()
        let colours = shim_colors()
        if colours >= 256 && !options.lowColour { return .many }
        return colours >= 16 ? .sixteen : .eight
    }

    private func enter() {
        raw()
        noecho()
        nonl()
        intrflush(shim_stdscr(), false)
        keypad(shim_stdscr(), true)
        meta(shim_stdscr(), true)
        nodelay(shim_stdscr(), true)
        typeahead(-1)
        set_escdelay(25)
        curs_set(0)
        KeyReader.defineKeys()
        if options.mouse && isXtermLike {
            mouseinterval(0)
            mousemask(shim_mouse_wanted(), nil)
        }
        setPasteBrackets(true)
        // Whether it can take a frame as one: the answer comes as if it were typed.
        if asksModes { write("\u{1B}[?2026$p") }
    }

    /// Linux's own console knows neither such questions nor notifications, and the older it is the more of them it prints.
    private var isLinuxConsole: Bool { options.term.hasPrefix("linux") }
    private var asksModes: Bool { isXtermLike && !isLinuxConsole && options.asksModes }

    private func setPasteBrackets(_ on: Bool) { if isXtermLike { write(on ? "\u{1B}[?2004h" : "\u{1B}[?2004l") } }

    /// The terminal has not taken all that was sent; `descriptor` can be polled for room, and `flush` goes on.
    package var backlog: Int32? { frames.isBacklogged ? frames.writeDescriptor : nil }
    package func flush() { frames.flush() }
    /// Bytes sent since last asked.
    package func takeSent() -> Int { frames.takeSent() }

    package var size: (width: Int, height: Int) { (Int(getmaxx(shim_stdscr())), Int(getmaxy(shim_stdscr()))) }

    // MARK: Showing

    package func setTheme(_ theme: Theme) {
        palette.load(theme)
        shown = nil
    }

    /// Shows the grid: rows that differ from what is on the screen are written, in one update. Nothing differs, nothing is sent.
    package func show(_ grid: Grid) {
        let old = shown
        if let old, old == grid { return }
        let sameSize = old.map { $0.width == grid.width && $0.height == grid.height } ?? false
        frames.frame {
            for y in 0..<min(grid.height, size.height) where !sameSize || old.map({ $0.row(y) != grid.row(y) }) ?? true { blit(grid, y) }
            placeCursor(grid.cursor)
            wnoutrefresh(shim_stdscr())
            doupdate()
        }
        shown = grid
    }

    private func placeCursor(_ position: Grid.Position?) {
        // A hidden cursor may stay where it is: moving it would cost bytes that nobody sees.
        leaveok(shim_stdscr(), position == nil)
        if let position { wmove(shim_stdscr(), Int32(position.row), Int32(position.column)) }
        if (position != nil) != isCursorVisible {
            isCursorVisible = position != nil
            curs_set(isCursorVisible ? 1 : 0)
        }
    }

    private func blit(_ grid: Grid, _ y: Int) {
        var cells: [cchar_t] = []
        cells.reserveCapacity(grid.width)
        var columns = 0
        for cell in grid.row(y) where cell.width > 0 {
            if columns + Int(cell.width) > size.width { break }
            columns += Int(cell.width)
            let ink = palette[cell.style]
            if systemWidth(cell.base) == Int32(cell.width) {
                cells.append(character(cell.base, cell.marks, ink))
            } else {
                // The C library is of another opinion about the width: something of a known width keeps the columns aligned.
                for _ in 0..<cell.width { cells.append(character("?", "", ink)) }
            }
        }
        mvwadd_wchnstr(shim_stdscr(), Int32(y), 0, cells, Int32(cells.count))
    }

    private func character(_ base: Unicode.Scalar, _ marks: String, _ ink: Palette.Ink) -> cchar_t {
        var text: [wchar_t] = [wchar_t(bitPattern: base.value)]
        for mark in marks.unicodeScalars where systemWidth(mark) == 0 {
            text.append(wchar_t(bitPattern: mark.value))
        }
        text.append(0)
        var out = cchar_t()
        var pair = ink.pair
        setcchar(&out, text, ink.attributes, Int16(clamping: pair), &pair)
        return out
    }

    // MARK: Reading

    /// All input that has arrived; returns at once.
    package func read() -> [InputEvent] {
        let events = keys.read()
        if let answer = keys.synchronizes { frames.isSynchronized = answer }
        return events
    }

    /// The window has changed its size: asks the terminal for the new one and draws everything anew with the next `show`.
    package func resized() -> (width: Int, height: Int) {
        var window = winsize()
        if ioctl(outputDescriptor, UInt(TIOCGWINSZ), &window) == 0, window.ws_row > 0, window.ws_col > 0 {
            resizeterm(Int32(window.ws_row), Int32(window.ws_col))
        }
        redraw()
        return size
    }

    /// Forgets what is on the screen: the next `show` sends all of it.
    package func redraw() {
        shown = nil
        clearok(shim_curscr(), true)
    }

    /// Rings, or flashes, as the terminal is set.
    package func bell() { frames.frame { beep() } }

    /// A notification of the desktop's (OSC 9), where the terminal may know such a thing; tmux is asked to hand it on. Whatever a terminal
    /// would obey in `text` is left out.
    package func notify(_ text: String) {
        guard isXtermLike, !isLinuxConsole else { return }
        let plain = String(String.UnicodeScalarView(text.unicodeScalars.filter { Escape.isSafe($0) }))
        let sequence = "\u{1B}]9;\(plain)\u{7}"
        write(options.isInTmux ? "\u{1B}Ptmux;\u{1B}\(sequence)\u{1B}\\" : sequence)
    }

    /// Puts text on the clipboard of the terminal's user, also through ssh and tmux (OSC 52). Nothing where the terminal has no such thing.
    package func copy(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard isXtermLike, bytes.count <= Terminal.copyMax else { return false }
        write("\u{1B}]52;c;\(base64(bytes))\u{7}")
        return true
    }

    /// Terminals refuse longer ones.
    package static let copyMax = 74_994

    private func write(_ text: String) { frames.send(Array(text.utf8)) }

    // MARK: Leaving and coming back

    /// Gives the terminal back as it was, for as long as another program has it.
    package func suspend() {
        setPasteBrackets(false)
        settle()
        def_prog_mode()
        endwin()
    }

    /// Everything that was sent has arrived before ncurses writes by itself; a terminal that takes nothing any more is not waited for.
    private func settle() {
        if !frames.drain(milliseconds: Terminal.patienceMs) { frames.discard() }
    }

    private static let patienceMs: Int32 = 1_000

    package func resume() {
        reset_prog_mode()
        curs_set(isCursorVisible ? 1 : 0)
        setPasteBrackets(true)
        redraw()
        wrefresh(shim_stdscr())
    }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        setPasteBrackets(false)
        if frames.drain(milliseconds: Terminal.patienceMs) {
            if isCursorVisible == false { curs_set(1) }
            endwin()
        } else {
            // It takes nothing: ncurses would wait for ever. Its modes are given back without a word to it.
            frames.discard()
            frames.frame {
                if isCursorVisible == false { curs_set(1) }
                endwin()
            }
            CrashGuard.restoreModes()
        }
        if keys.synchronizes == nil && asksModes { dropAnswers() }
        delscreen(screen)
        fclose(output)
        fclose(input)
        CrashGuard.remove()
    }
}

extension Terminal {
    /// A console that is left at once: what the terminal still answers is not for the shell.
    private func dropAnswers() {
        guard isatty(inputDescriptor) == 1 else { return }
        tcflush(inputDescriptor, TCIFLUSH)
    }
}

/// Base64 with padding (RFC 4648).
func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    var at = 0
    while at < bytes.count {
        let a = bytes[at]
        let b = at + 1 < bytes.count ? bytes[at + 1] : 0
        let c = at + 2 < bytes.count ? bytes[at + 2] : 0
        out.append(digits[Int(a >> 2)])
        out.append(digits[Int((a & 3) << 4 | b >> 4)])
        out.append(at + 1 < bytes.count ? digits[Int((b & 15) << 2 | c >> 6)] : UInt8(ascii: "="))
        out.append(at + 2 < bytes.count ? digits[Int(c & 63)] : UInt8(ascii: "="))
        at += 3
    }
    return String(decoding: out, as: UTF8.self)
}

/// The C library's opinion of a scalar's width; -1 where it has none.
func systemWidth(_ scalar: Unicode.Scalar) -> Int32 { wcwidth(wchar_t(bitPattern: scalar.value)) }
